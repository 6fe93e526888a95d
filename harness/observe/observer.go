// Package observe watches TCP sockets in the kernel: which handler each recvmsg
// goes to, and what led to it.
//
// A handler is the function that sk->sk_prot->recvmsg points to as
// inet_recvmsg() or inet6_recvmsg() is entered. A socket that sits in a sockmap
// with its psock intact has tcp_bpf_recvmsg there, a plain one tcp_recvmsg.
//
// The kernel keeps a log of bounded size for each socket, in memory that is
// read when somebody asks and costs nothing until then (bpf/observe.c). The
// hooks are kprobes, and fentry where there are none; Hooks says which, and what
// a kernel does not offer.
package observe

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// The handlers that a TCP socket may have, by symbol.
const (
	TCP = "tcp_recvmsg"
	BPF = "tcp_bpf_recvmsg"
)

// Observer watches every TCP socket that has a cookie (SO_COOKIE, socket(7)).
type Observer struct {
	Hooks []event.Observer // what is watched and how, or why not

	coll    *ebpf.Collection
	links   []link.Link
	taken   []hook // by watch
	lives   *ebpf.Map
	memory  *ebpf.Memory // of lives
	symbols *Symbols
	entries *entries
	stacks  stacks
}

// Open loads and attaches the observer. Where the environment names a BTF file
// (event.EnvBTF), offsets come from there instead of from the kernel's own BTF.
// An error means that recvmsg calls cannot be observed; what else is not
// available stands in Hooks.
func Open() (o *Observer, err error) {
	o = &Observer{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Close())
			o = nil
		}
	}()
	opts, err := bpf.Options()
	if err != nil {
		return o, err
	}
	if err = o.hook(opts); err != nil {
		return o, err
	}
	if o.symbols, err = OpenSymbols(opts); err != nil {
		return o, err
	}
	o.note("symbols", "iter bpf_map_elem", nil)
	o.entries, err = openEntries(opts)
	o.note("entries", "iter sockmap", err)
	return o, nil
}

// note enters an observer into Hooks; err is why it is not available.
func (o *Observer) note(name, hook string, err error) {
	h := event.Observer{Name: name, Hook: hook}
	if err != nil {
		h = event.Observer{Name: name, Lack: err.Error()}
	}
	o.Hooks = append(o.Hooks, h)
}

// Close detaches and unloads.
func (o *Observer) Close() error {
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	if o.coll != nil {
		o.coll.Close()
	}
	if o.symbols != nil {
		errs = append(errs, o.symbols.Close())
	}
	if o.entries != nil {
		errs = append(errs, o.entries.Close())
	}
	return errors.Join(errs...)
}

// Handler is a handler that served a socket, and how many recvmsg calls went to it.
type Handler struct {
	Symbol string // an address in hex if the kernel has no name for it
	Calls  uint64
}

func (h Handler) String() string { return fmt.Sprintf("%s×%d", h.Symbol, h.Calls) }

// Of lists the handlers that have served a socket, first used first. It is
// empty for a socket that nobody has read from, or long ago: what is known of
// it goes when as many other sockets have been made as there are slots.
func (o *Observer) Of(cookie uint64) ([]Handler, error) {
	// Only the head of the slot: this is asked for every connection.
	l, err := o.read(cookie, unsafe.Offsetof(bpf.ObserveLife{}.Moments))
	if err != nil {
		return nil, err
	}
	var out []Handler
	for _, h := range l.Handler {
		if h.Calls == 0 {
			continue
		}
		symbol, err := o.symbols.Function(h.Address)
		if err != nil {
			return nil, err
		}
		out = append(out, Handler{symbol, h.Calls})
	}
	return out, nil
}

// read reads so many bytes of a socket's slot; the zero value if the socket is
// not known, or no longer.
func (o *Observer) read(cookie uint64, size uintptr) (*bpf.ObserveLife, error) {
	l := new(bpf.ObserveLife)
	b := unsafe.Slice((*byte)(unsafe.Pointer(l)), size)
	slots := uint64(o.lives.MaxEntries())
	if _, err := o.memory.ReadAt(b, int64(cookie%slots)*int64(unsafe.Sizeof(*l))); err != nil {
		return nil, fmt.Errorf("read life of socket %d: %w", cookie, err)
	}
	if l.Cookie != cookie {
		return new(bpf.ObserveLife), nil
	}
	return l, nil
}

// Missed counts the calls that hooks have missed since Open, by observer: those
// made while a BPF program was running on their CPU. Kernels before 5.12 do not
// count them.
func (o *Observer) Missed() (map[string]uint64, error) {
	out := map[string]uint64{}
	for i, h := range o.taken {
		p := o.coll.Programs[h.program]
		if p == nil {
			continue
		}
		stats, err := p.Stats()
		if err != nil {
			return nil, fmt.Errorf("read what %s missed: %w", h, err)
		}
		out[watches[i].name] += stats.RecursionMisses
	}
	return out, nil
}

// Lost counts the recvmsg calls that found no room to be counted. While it is
// not 0, an empty or short answer of Of proves nothing.
func (o *Observer) Lost() (uint64, error) {
	var n uint64
	if err := o.coll.Variables[bpf.ObserveVarLost].Get(&n); err != nil {
		return 0, fmt.Errorf("read lost count: %w", err)
	}
	return n, nil
}
