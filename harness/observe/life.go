package observe

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unsafe"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

var native = binary.NativeEndian

// kinds of bpf/observe.c, by number.
var kinds = [...]string{
	1: event.MomentState, event.MomentProto, event.MomentRecvmsg, event.MomentDrop, event.MomentDelivered,
}

// recorded are the moments of a life that found room, in the order of time, and
// the number of those that did not.
func recorded(l *bpf.ObserveLife) (kept []bpf.ObserveMoment, lost uint32) {
	for _, m := range l.Moment {
		if m.Kind > 0 && int(m.Kind) < len(kinds) && m.Owner == uint32(l.Cookie) {
			kept = append(kept, m)
		}
	}
	slices.SortStableFunc(kept, func(a, b bpf.ObserveMoment) int {
		return int(int64(a.Time) - int64(b.Time))
	})
	if n := uint32(len(kept)); l.Moments > n {
		lost = l.Moments - n
	}
	return kept, lost
}

// stackOf is a stack of a life, innermost first; nil if the moment has none.
func stackOf(l *bpf.ObserveLife, m bpf.ObserveMoment) []uint64 {
	if m.Stack == 0 || int(m.Stack) > len(l.Stack) {
		return nil
	}
	stack := l.Stack[m.Stack-1][:]
	if end := slices.Index(stack, 0); end >= 0 {
		stack = stack[:end]
	}
	return stack
}

// machinery tells the frames of tracing itself, which lie on top of what is traced.
func machinery(f event.Frame) bool {
	return f.Module == "bpf" || f.Symbol == "" ||
		slices.ContainsFunc([]string{"bpf_prog_", "bpf_trampoline_", "bpf_trace_run", "__bpf_trace_", "__traceiter_", "trace_call_bpf", "bpf_get_stack", "kprobe_", "ftrace_"},
			func(prefix string) bool { return strings.HasPrefix(f.Symbol, prefix) })
}

// trim leaves out the frames of tracing at the top of a stack.
func trim(frames []event.Frame) []event.Frame {
	first := slices.IndexFunc(frames, func(f event.Frame) bool { return !machinery(f) })
	if first < 0 {
		return nil
	}
	return frames[first:]
}

// ErrForgotten is for a socket whose slot another has taken over, or that
// nothing was ever observed of.
var ErrForgotten = errors.New("nothing is recorded of the socket, or not any more")

// Life is what the kernel recorded of a socket. Stacks are named by number; see Stacks.
func (o *Observer) Life(cookie uint64) (*event.Socket, error) {
	l, err := o.read(cookie, unsafe.Sizeof(bpf.ObserveLife{}))
	if err != nil {
		return nil, err
	}
	if l.Cookie != cookie {
		return nil, ErrForgotten
	}
	s := &event.Socket{Cookie: cookie, Address: hex(l.Sock)}
	for _, h := range l.Handler {
		if h.Calls == 0 {
			continue
		}
		symbol, err := o.symbols.Function(h.Address)
		if err != nil {
			return nil, err
		}
		s.Handlers = append(s.Handlers, event.Handler{Symbol: symbol, Address: hex(h.Address), Calls: h.Calls})
	}
	kept, lost := recorded(l)
	s.Lost = lost
	for _, m := range kept {
		moment, err := o.moment(m)
		if err != nil {
			return nil, err
		}
		if stack := stackOf(l, m); stack != nil {
			frames, err := o.symbols.Frames(stack)
			if err != nil {
				return nil, err
			}
			moment.Stack = o.stacks.number(trim(frames))
		}
		s.Moments = append(s.Moments, moment)
	}
	return s, nil
}

func (o *Observer) moment(m bpf.ObserveMoment) (out event.Moment, err error) {
	out = event.Moment{T: seconds(m.Time), Kind: kinds[m.Kind], Thread: m.Thread}
	switch out.Kind {
	case event.MomentState:
		out.From, out.To = event.TCPState(m.From), event.TCPState(m.To)
	case event.MomentDelivered:
		out.Bytes, out.State = uint32(m.Bytes), event.TCPState(m.To)
	default:
		out.Proto = hex(m.Proto)
		out.Handler, err = o.symbols.Function(m.Handler)
	}
	return out, err
}

// seconds turns nanoseconds of CLOCK_BOOTTIME into what records carry, to the microsecond.
func seconds(ns uint64) float64 { return float64(ns/1000) / 1e6 }
