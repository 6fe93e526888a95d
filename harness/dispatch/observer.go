// Package dispatch observes which handler each recvmsg on a TCP socket goes
// to: the function that sk->sk_prot->recvmsg points to as inet_recvmsg() or
// inet6_recvmsg() is entered. A socket that sits in a sockmap with its psock
// intact has tcp_bpf_recvmsg there, a plain one tcp_recvmsg.
//
// It takes kprobes, which need no BTF of the kernel in the guest beyond the
// offsets of four members, and no parsing of /proc/kallsyms: the handlers'
// addresses are asked of the kernel by name.
package dispatch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// The handlers that a TCP socket may have, by symbol.
const (
	TCP = "tcp_recvmsg"
	BPF = "tcp_bpf_recvmsg"
	// BPFParser serves sockets with a stream parser or verdict program; 5.10 has none.
	BPFParser = "tcp_bpf_recvmsg_parser"
)

// Observer watches every TCP socket that has a cookie (SO_COOKIE, socket(7)).
type Observer struct {
	objs   bpf.DispatchObjects
	links  []link.Link
	memory *ebpf.Memory      // of the dispatches map
	names  map[uint64]string // handler address to symbol
}

// Open loads and attaches the observer. Where the environment names a BTF file
// (event.EnvBTF), offsets come from there instead of from the kernel's own
// BTF, which takes seconds to parse in an emulated guest.
func Open() (o *Observer, err error) {
	o = &Observer{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Close())
			o = nil
		}
	}()
	opts := &ebpf.CollectionOptions{}
	if path := os.Getenv(event.EnvBTF); path != "" {
		if opts.Programs.KernelTypes, err = btf.LoadSpec(path); err != nil {
			return o, fmt.Errorf("load BTF %s: %w", path, err)
		}
	}
	if err = bpf.LoadDispatchObjects(&o.objs, opts); err != nil {
		return o, fmt.Errorf("load dispatch observer: %w", err)
	}
	if o.memory, err = o.objs.Dispatches.Memory(); err != nil {
		return o, fmt.Errorf("map dispatches: %w", err)
	}
	if o.names, err = locate(o.objs.Locate, TCP, BPF, BPFParser); err != nil {
		return o, err
	}
	for _, symbol := range []string{TCP, BPF} {
		if !slices.Contains(slices.Collect(maps.Values(o.names)), symbol) {
			return o, fmt.Errorf("locate %s: the kernel has no such function to probe (CONFIG_BPF_STREAM_PARSER, CONFIG_NET_SOCK_MSG?)", symbol)
		}
	}
	return o, o.attach()
}

func (o *Observer) attach() error {
	for symbol, prog := range map[string]*ebpf.Program{
		"inet_recvmsg":  o.objs.EnterInetRecvmsg,
		"inet6_recvmsg": o.objs.EnterInet6Recvmsg,
	} {
		l, err := link.Kprobe(symbol, prog, nil)
		if err != nil {
			return fmt.Errorf("attach kprobe to %s: %w", symbol, err)
		}
		o.links = append(o.links, l)
	}
	return nil
}

// Close detaches and unloads.
func (o *Observer) Close() error {
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, o.objs.Close())...)
}

// Handler is a handler that served a socket, and how many recvmsg calls went to it.
type Handler struct {
	Symbol string // an address in hex if it is none of those known here
	Calls  uint64
}

func (h Handler) String() string { return fmt.Sprintf("%s×%d", h.Symbol, h.Calls) }

// Of lists the handlers that have served a socket, first used first. It is
// empty for a socket that nobody has read from, or long ago: what is known of
// it goes when as many other sockets have been made as the map has slots.
func (o *Observer) Of(cookie uint64) ([]Handler, error) {
	var d bpf.DispatchDispatch
	buf := make([]byte, unsafe.Sizeof(d))
	slots := uint64(o.objs.Dispatches.MaxEntries())
	if _, err := o.memory.ReadAt(buf, int64(cookie%slots)*int64(len(buf))); err != nil {
		return nil, fmt.Errorf("read dispatch of socket %d: %w", cookie, err)
	}
	if _, err := binary.Decode(buf, binary.NativeEndian, &d); err != nil {
		return nil, fmt.Errorf("decode dispatch of socket %d: %w", cookie, err)
	}
	if d.Cookie != cookie {
		return nil, nil
	}
	var out []Handler
	for _, h := range d.Handler {
		if h.Calls > 0 {
			out = append(out, Handler{Symbol: o.symbol(h.Address), Calls: h.Calls})
		}
	}
	return out, nil
}

// Lost counts the recvmsg calls that found no room. While it is not 0, an
// empty or short answer of Of proves nothing.
func (o *Observer) Lost() (uint64, error) {
	var n uint64
	if err := o.objs.Lost.Get(&n); err != nil {
		return 0, fmt.Errorf("read lost count: %w", err)
	}
	return n, nil
}

func (o *Observer) symbol(address uint64) string {
	if s, ok := o.names[address]; ok {
		return s
	}
	return fmt.Sprintf("%#x", address)
}
