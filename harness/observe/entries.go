package observe

import (
	"errors"

	"github.com/cilium/ebpf"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/sockets"
)

// entries reads the sockets behind a map's entries, the keys left out.
type entries = sockets.Reader

func openEntries(opts ebpf.CollectionOptions) (*entries, error) { return sockets.Open(opts, 0) }

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
	found, err := o.entries.Read(m)
	if err != nil {
		return nil, err
	}
	out := map[uint64]Member{}
	for _, s := range found {
		handler, err := o.symbols.Function(s.Handler)
		if err != nil {
			return nil, err
		}
		out[s.Cookie] = Member{s.Cookie, event.TCPState(s.State), s.Port, s.Held != 0, handler, hex(s.Sock)}
	}
	return out, nil
}
