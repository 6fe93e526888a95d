package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// entries reads the sockets behind a map's entries (bpf/entries.c).
type entries struct{ objs bpf.EntriesObjects }

func openEntries(opts ebpf.CollectionOptions) (*entries, error) {
	e := &entries{}
	if err := bpf.LoadEntriesObjects(&e.objs, &opts); err != nil {
		return nil, fmt.Errorf("load iterator over map entries: %w", err)
	}
	return e, nil
}

func (e *entries) Close() error { return e.objs.Close() }

// Member is the socket behind a map entry, as it is in the kernel's memory.
type Member struct {
	Cookie  uint64
	State   string // ESTABLISHED, CLOSE, …
	Port    uint16 // 0 once the socket is destroyed
	Held    bool   // a struct socket holds it: somebody has a descriptor
	Handler string // symbol
	Address string // of its struct sock, in hex
}

// ErrNoEntries is for a kernel that the iterator could not be loaded on; Hooks says why.
var ErrNoEntries = errors.New("sockets behind map entries are not observed")

// Members lists the sockets in a SOCKHASH or SOCKMAP by cookie.
func (o *Observer) Members(m *ebpf.Map) (map[uint64]Member, error) {
	if o.entries == nil {
		return nil, ErrNoEntries
	}
	iter, err := link.AttachIter(link.IterOptions{Program: o.entries.objs.SocketOf, Map: m})
	if err != nil {
		return nil, fmt.Errorf("attach iterator to %s: %w", m, err)
	}
	defer iter.Close()
	r, err := iter.Open()
	if err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", m, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", m, err)
	}
	sockets, err := decodeMembers(raw)
	if err != nil {
		return nil, err
	}
	out := map[uint64]Member{}
	for _, s := range sockets {
		handler, err := o.symbols.Function(s.Handler)
		if err != nil {
			return nil, err
		}
		out[s.Cookie] = Member{s.Cookie, event.TCPState(s.State), s.Port, s.Held != 0, handler, hex(s.Sock)}
	}
	return out, nil
}

// decodeMembers reads the iterator's records.
func decodeMembers(raw []byte) ([]bpf.EntriesEntrySocket, error) {
	const size = int(unsafe.Sizeof(bpf.EntriesEntrySocket{}))
	if len(raw)%size != 0 {
		return nil, fmt.Errorf("decode map entries: %d bytes are no multiple of %d", len(raw), size)
	}
	out := make([]bpf.EntriesEntrySocket, len(raw)/size)
	if _, err := binary.Decode(raw, native, out); err != nil {
		return nil, fmt.Errorf("decode map entries: %w", err)
	}
	return out, nil
}
