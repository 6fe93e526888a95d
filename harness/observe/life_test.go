package observe

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

func TestRecorded(t *testing.T) {
	l := bpf.ObserveLife{Cookie: 1<<32 | 7}
	l.Moment[0] = bpf.ObserveMoment{Time: 30, Kind: 3, Owner: 7}
	l.Moment[1] = bpf.ObserveMoment{Time: 10, Kind: 1, Owner: 7}
	l.Moment[2] = bpf.ObserveMoment{Time: 15, Kind: 1, Owner: 6} // a hole: two CPUs took one place
	l.Moment[3] = bpf.ObserveMoment{Time: 20, Kind: 2, Owner: 7}
	l.Moment[4] = bpf.ObserveMoment{Time: 5, Kind: 99, Owner: 7} // no such kind
	l.Moments = 7
	kept, lost := recorded(&l)
	var times []uint64
	for _, m := range kept {
		times = append(times, m.Time)
	}
	if !slices.Equal(times, []uint64{10, 20, 30}) || lost != 4 {
		t.Fatalf("got moments at %v, %d lost; want 10 20 30, 4 lost", times, lost)
	}
}

func TestStackOf(t *testing.T) {
	var l bpf.ObserveLife
	copy(l.Stack[1][:], []uint64{3, 2, 1})
	for _, c := range []struct {
		stack uint8
		want  []uint64
	}{{0, nil}, {1, []uint64{}}, {2, []uint64{3, 2, 1}}, {200, nil}} {
		if got := stackOf(&l, bpf.ObserveMoment{Stack: c.stack}); !slices.Equal(got, c.want) {
			t.Errorf("stack %d: got %v, want %v", c.stack, got, c.want)
		}
	}
}

func TestTrim(t *testing.T) {
	frame := func(symbol, module string) event.Frame { return event.Frame{Symbol: symbol, Module: module} }
	var (
		prog       = frame("bpf_prog_2d5a7c5e4b1f0a33_sk_psock_drop_fentry", "bpf")
		trampoline = frame("bpf_trampoline_6442494949_0", "")
		traced     = frame("sk_psock_drop", "")
		caller     = frame("sock_hash_update_common", "")
		sockops    = frame("bpf_prog_7aa9a870410635af_establish", "") // 5.10 names no module
		tail       = frame("tcp_init_transfer", "")
	)
	for _, c := range []struct {
		name      string
		got, want []event.Frame
	}{
		{"kprobe", []event.Frame{traced, caller, sockops, tail}, []event.Frame{traced, caller, sockops, tail}},
		{"fentry", []event.Frame{prog, trampoline, traced, caller, sockops, tail}, []event.Frame{traced, caller, sockops, tail}},
		{"raw tracepoint", []event.Frame{prog, frame("bpf_trace_run3", ""), frame("tcp_set_state", "")}, []event.Frame{frame("tcp_set_state", "")}},
		{"nothing but tracing", []event.Frame{prog, trampoline}, nil},
		{"empty", nil, nil},
	} {
		if got := trim(c.got); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Whatever lies in a slot: the kernel may be writing it meanwhile.
func FuzzLife(f *testing.F) {
	f.Add(make([]byte, unsafe.Sizeof(bpf.ObserveLife{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l bpf.ObserveLife
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&l)), unsafe.Sizeof(l)), b)
		kept, _ := recorded(&l)
		for _, m := range kept {
			if n := len(stackOf(&l, m)); n > len(l.Stack[0]) {
				t.Fatalf("a stack of %d frames", n)
			}
		}
	})
}

func TestStacksAreNumberedOnce(t *testing.T) {
	var o Observer
	a := []event.Frame{{Address: "0x2", Symbol: "b"}, {Address: "0x1", Symbol: "a"}}
	b := a[1:]
	ids := []int{o.stacks.number(a), o.stacks.number(b), o.stacks.number(a), o.stacks.number(nil)}
	if !slices.Equal(ids, []int{1, 2, 1, 0}) {
		t.Fatalf("got %v, want 1 2 1 0", ids)
	}
	if got := len(o.Stacks()); got != 2 {
		t.Fatalf("%d stacks, want 2", got)
	}
	if got := len(o.Stacks()); got != 0 {
		t.Fatalf("%d stacks the second time, want none", got)
	}
}
