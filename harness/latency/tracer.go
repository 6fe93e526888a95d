// Package latency counts tcp_sendmsg calls of every TCP connection between
// sockets of this machine, and measures how long the first byte of each took
// from tcp_sendmsg to the read that returned it: on the connection, not on the
// thread that happened to call (bpf/latency.c).
//
//	t, err := latency.Open()  // loaded, and traces nothing yet
//	err = t.Start()           // from here on every call is counted
//	…
//	err = t.Stop()
//	ways, err := t.Ways()     // each direction of each connection, with its histogram
//
// Ways is for when the traffic rests: on a preemptible kernel a system call on a
// map blinds the kprobes of its CPU (bpf/observe.c). What they have missed, Missed
// tells.
package latency

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
)

// Tracer is the loaded programs. Whoever opens it closes it.
type Tracer struct {
	objs  bpf.LatencyObjects
	links []link.Link
}

// Way is one direction of a connection.
type Way struct {
	From, To netip.AddrPort // IPv4 addresses as such
	Sends    uint64         // calls of tcp_sendmsg
	Read     uint64         // of these, those whose first byte was read
	Unread   uint64         // of these, those whose first byte was not, or not yet
	Overrun  uint64         // of these, those that were not measured: too many before them were unread
	Took     Histogram      // of those that were read
}

// Open loads the programs. Where the environment names a BTF file
// (event.EnvBTF), offsets come from there.
func Open() (*Tracer, error) {
	opts, err := bpf.Options()
	if err != nil {
		return nil, err
	}
	t := &Tracer{}
	if err := bpf.LoadLatencyObjects(&t.objs, &opts); err != nil {
		return nil, fmt.Errorf("load latency tracer: %w", err)
	}
	return t, nil
}

// Close stops and unloads.
func (t *Tracer) Close() error { return errors.Join(t.Stop(), t.objs.Close()) }

// Start begins to trace, the reads first, so that no call waits for a read that
// nobody saw.
func (t *Tracer) Start() error {
	for _, p := range []struct {
		function string
		program  *ebpf.Program
	}{
		{"tcp_rcv_space_adjust", t.objs.TcpRcvSpaceAdjust},
		{"tcp_sendmsg", t.objs.TcpSendmsg},
	} {
		l, err := link.Kprobe(p.function, p.program, nil)
		if err != nil {
			return fmt.Errorf("attach kprobe to %s: %w", p.function, err)
		}
		t.links = append(t.links, l)
	}
	return nil
}

// Stop ends it; what was counted stays.
func (t *Tracer) Stop() error {
	var errs []error
	for _, l := range slices.Backward(t.links) {
		errs = append(errs, l.Close())
	}
	t.links = nil
	return errors.Join(errs...)
}

// Ways lists what was seen, by addresses.
func (t *Tracer) Ways() ([]Way, error) {
	var ways []Way
	var key bpf.LatencyWay
	var seen bpf.LatencyTraffic
	all := t.objs.Ways.Iterate()
	for all.Next(&key, &seen) {
		ways = append(ways, Way{
			From: address(key.From.Ip, key.From.Port), To: address(key.To.Ip, key.To.Port),
			Sends: seen.Sends, Read: seen.Read, Overrun: seen.Overrun, Unread: uint64(seen.Head - seen.Tail),
			Took: Histogram{Slots: slices.Clone(seen.Slot[:]), Nanoseconds: seen.Nanoseconds},
		})
	}
	if err := all.Err(); err != nil {
		return nil, fmt.Errorf("read what the latency tracer saw: %w", err)
	}
	slices.SortFunc(ways, func(a, b Way) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	return ways, nil
}

// Missed counts calls that are in no Way: those on connections beyond what there
// is room for, and those made while another BPF program ran on their CPU, which
// kernels before 5.12 do not count.
func (t *Tracer) Missed() (uint64, error) {
	var missed uint64
	if err := t.objs.Lost.Get(&missed); err != nil {
		return 0, fmt.Errorf("read what the latency tracer lost: %w", err)
	}
	for _, p := range []*ebpf.Program{t.objs.TcpSendmsg, t.objs.TcpRcvSpaceAdjust} {
		stats, err := p.Stats()
		if err != nil {
			return 0, fmt.Errorf("read what the latency tracer missed: %w", err)
		}
		missed += stats.RecursionMisses
	}
	return missed, nil
}

func address(ip [16]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), port)
}
