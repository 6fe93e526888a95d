// Package conntrace watches TCP connects that fail, and SYNs that are sent
// again, while they happen (bpf/connect.c): who connected where, how often it
// was tried, after how long it failed, with which errno, and where in the kernel.
//
//	t, err := conntrace.Open()   // from here on connects are traced
//	e, err := t.Read()           // waits for the next event
//	c, err := t.Counters()       // what has happened so far, read or not
//
// It sees every network namespace. A connect that is under way as the tracer
// opens is not traced.
package conntrace

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/pidns"
)

// Tracer is the attached programs. Whoever opens it closes it.
type Tracer struct {
	objs    bpf.ConnectObjects
	links   []link.Link
	events  *ringbuf.Reader
	symbols *observe.Symbols
}

// Counters are what has happened since Open.
type Counters struct {
	Begun    uint64 // connects that sent a SYN
	Answered uint64 // of these, by a SYN of the peer: as a rule they are established
	Failed   uint64 // connects that failed, with or without having sent a SYN
	Retried  uint64 // SYNs sent again by connects that are over
	Lost     uint64 // connects and events that found no room
}

// Open loads and attaches.
func Open() (t *Tracer, err error) {
	t = &Tracer{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
			t = nil
		}
	}()
	opts, err := bpf.Options()
	if err != nil {
		return t, err
	}
	if err = bpf.LoadConnectObjects(&t.objs, &opts); err != nil {
		return t, fmt.Errorf("load connect tracer: %w", err)
	}
	if t.symbols, err = observe.OpenSymbols(opts); err != nil {
		return t, err
	}
	if t.events, err = ringbuf.NewReader(t.objs.Events); err != nil {
		return t, fmt.Errorf("read events of connect tracer: %w", err)
	}
	return t, t.attach()
}

// attach hooks the ends of an attempt before its beginning, so that none is
// seen to begin whose end is not.
func (t *Tracer) attach() error {
	p := &t.objs.ConnectPrograms
	state, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "inet_sock_set_state", Program: p.InetSockSetState})
	if err != nil {
		return fmt.Errorf("attach connect tracer to inet_sock_set_state: %w", err)
	}
	t.links = append(t.links, state)
	for _, hook := range []struct {
		function string
		attach   func(string, *ebpf.Program, *link.KprobeOptions) (link.Link, error)
		program  *ebpf.Program
	}{
		{"tcp_set_state", link.Kprobe, p.TcpSetState},
		{"tcp_retransmit_skb", link.Kprobe, p.TcpRetransmitSkb},
		{"tcp_connect", link.Kprobe, p.TcpConnect},
		{"tcp_v4_connect", link.Kretprobe, p.TcpV4ConnectReturn},
		{"tcp_v6_connect", link.Kretprobe, p.TcpV6ConnectReturn},
		{"tcp_v4_connect", link.Kprobe, p.TcpV4Connect},
		{"tcp_v6_connect", link.Kprobe, p.TcpV6Connect},
	} {
		l, err := hook.attach(hook.function, hook.program, nil)
		if err != nil {
			return fmt.Errorf("attach connect tracer to %s: %w", hook.function, err)
		}
		t.links = append(t.links, l)
	}
	return nil
}

// Close detaches and unloads. A Read that waits ends with os.ErrClosed.
func (t *Tracer) Close() error {
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	if t.events != nil {
		errs = append(errs, t.events.Close())
	}
	if t.symbols != nil {
		errs = append(errs, t.symbols.Close())
	}
	return errors.Join(append(errs, t.objs.Close())...)
}

// ErrEnd is Read's after End.
var ErrEnd = ringbuf.ErrFlushed

// End has Read return what has happened so far, and then ErrEnd. It may be
// called from another goroutine.
func (t *Tracer) End() { t.events.Flush() }

// SetDeadline bounds Read, which then ends with os.ErrDeadlineExceeded.
func (t *Tracer) SetDeadline(at time.Time) { t.events.SetDeadline(at) }

// Read waits for the next event. Not for concurrent use.
func (t *Tracer) Read() (event.Connect, error) {
	r, err := t.events.Read()
	if err != nil {
		return event.Connect{}, fmt.Errorf("read event of connect tracer: %w", err)
	}
	raw, err := decode(r.RawSample)
	if err != nil {
		return event.Connect{}, err
	}
	e := connect(raw)
	e.Contained = contained(e.Process)
	e.Stack, err = t.symbols.Stack(stack(raw))
	return e, err
}

// contained are a process's numbers in the pid namespaces below the machine's.
// It may have ended: then nobody can tell any more.
func contained(process uint32) []int {
	numbers, err := pidns.Numbers(int(process))
	if err != nil {
		return nil
	}
	return numbers[1:]
}

// Counters reads them.
func (t *Tracer) Counters() (c Counters, err error) {
	v := &t.objs.ConnectVariables
	for _, counter := range []struct {
		from *ebpf.Variable
		to   *uint64
	}{{v.Begun, &c.Begun}, {v.Answered, &c.Answered}, {v.Failed, &c.Failed}, {v.Retried, &c.Retried}, {v.Lost, &c.Lost}} {
		if err := counter.from.Get(counter.to); err != nil {
			return c, fmt.Errorf("read counters of connect tracer: %w", err)
		}
	}
	return c, nil
}
