package features

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// refusal is what the library returns when the verifier refuses a program.
func refusal(cause error, log ...string) error {
	return fmt.Errorf("load program%w", &ebpf.VerifierError{Cause: cause, Log: log})
}

func TestEnter(t *testing.T) {
	call := "0: (85) call bpf_probe_read#4"
	tests := []struct {
		name string
		err  error
		want event.Features
	}{
		{"no error", nil, event.Features{Yes: []string{"x"}}},
		{"not supported", fmt.Errorf("x %w (requires >= v5.16)", ebpf.ErrNotSupported), event.Features{No: []string{"x"}}},
		{"no privilege", errors.New("load program: operation not permitted\nmore"),
			event.Features{Unsure: []event.Unsure{{Name: "x", Why: "load program: operation not permitted"}}}},
		{"the log of 7.3", refusal(unix.EINVAL, "0: R1=ctx() R10=fp0", call, "program of this type cannot use helper bpf_probe_read#4",
			"", "Suggestion:", "  Use a helper allowed for this program type.", "processed 1 insns"), event.Features{No: []string{"x"}}},
		{"bpf_get_func_ip", refusal(unix.Errno(524), call, "func bpf_get_func_ip#173 not supported for program type 5"),
			event.Features{No: []string{"x"}}},
		{"an argument", refusal(unix.EINVAL, call, "R1 is not a scalar"), event.Features{Yes: []string{"x"}}},
		{"might sleep", refusal(unix.EINVAL, "0: R1=ctx() R10=fp0", call, "helper call might sleep in a non-sleepable prog", "processed 1 insns"),
			event.Features{Unsure: []event.Unsure{{Name: "x", Why: "verifier: helper call might sleep in a non-sleepable prog"}}}},
		{"might sleep, in words of 7.2", refusal(unix.EINVAL, call, "sleepable helper bpf_copy_from_user#148 in non-sleepable prog"),
			event.Features{Unsure: []event.Unsure{{Name: "x", Why: "verifier: sleepable helper in non-sleepable prog"}}}},
		{"a log without the call", refusal(unix.EINVAL, "R1 is not a scalar"),
			event.Features{Unsure: []event.Unsure{{Name: "x", Why: "load program: invalid argument: R1 is not a scalar"}}}},
		{"a log that ends with the call", refusal(unix.EINVAL, call),
			event.Features{Unsure: []event.Unsure{{Name: "x", Why: "load program: invalid argument: " + call}}}},
	}
	for _, test := range tests {
		var got event.Features
		enter(&got, "x", test.err)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// The tables name what the library can ask for, all of it, in its order.
func TestNames(t *testing.T) {
	renamed := map[string]string{
		"extension": "ext", "programarray": "progarray", "lrucpuhash": "lrupercpuhash", "structopsmap": "structops",
	}
	agree := func(number int, name, library string) {
		want := strings.ToLower(library)
		if other := renamed[want]; other != "" {
			want = other
		}
		if strings.ReplaceAll(name, "_", "") != want && (name != "cgrp_storage" || want != "cgroupstorage") {
			t.Errorf("%d is %s, the library's %s", number, name, library)
		}
	}
	for number, name := range programTypes[1:] {
		agree(number+1, name, ebpf.ProgramType(number+1).String())
	}
	for number, name := range mapTypes[1:] {
		agree(number+1, name, ebpf.MapType(number+1).String())
	}
	for _, beyond := range []fmt.Stringer{ebpf.ProgramType(len(programTypes)), ebpf.MapType(len(mapTypes))} {
		if !strings.Contains(beyond.String(), "Type(") {
			t.Errorf("the library knows %s, which has no name here", beyond)
		}
	}
}

func TestHelperNames(t *testing.T) {
	for number, want := range map[int]string{1: "bpf_map_lookup_elem", 10: "bpf_l3_csum_replace", 73: "bpf_lwt_push_encap",
		118: "bpf_jiffies64", 136: "bpf_skc_to_tcp6_sock", 147: "bpf_d_path", 204: "bpf_tcp_raw_gen_syncookie_ipv4", 211: "bpf_cgrp_storage_delete"} {
		if helpers[number] != want {
			t.Errorf("helper %d is %s, want %s", number, helpers[number], want)
		}
	}
	if len(helpers) != 212 {
		t.Errorf("%d helpers, want 211: Linux has not had more since 6.2", len(helpers)-1)
	}
}

func TestNumberOf(t *testing.T) {
	for name, want := range map[string]ebpf.ProgramType{"socket_filter": ebpf.SocketFilter, "netfilter": ebpf.Netfilter, "none": ebpf.UnspecifiedProgram} {
		if got := numberOf(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestTracepoints(t *testing.T) {
	got, err := tracepoints("sched:sched_switch\ntcp:tcp_probe\nsched:sched_process_exit\n")
	want := []event.Features{
		{Section: event.Tracepoints, Of: "sched", Yes: []string{"sched_switch", "sched_process_exit"}},
		{Section: event.Tracepoints, Of: "tcp", Yes: []string{"tcp_probe"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := tracepoints("sched_switch\n"); err == nil {
		t.Error("a line without a subsystem was taken")
	}
}

func TestIterator(t *testing.T) {
	takes := func(name string) *btf.FuncProto {
		return &btf.FuncProto{Params: []btf.FuncParam{{Type: &btf.Pointer{Target: &btf.Struct{Name: name}}}}}
	}
	tests := []struct {
		typ  btf.Type
		want string
	}{
		{&btf.Func{Name: "bpf_iter_tcp", Type: takes("bpf_iter_meta")}, "tcp"},
		{&btf.Func{Name: "bpf_iter_run_prog", Type: takes("bpf_prog")}, ""},
		{&btf.Func{Name: "bpf_iter_num_new", Type: &btf.FuncProto{}}, ""},
		{&btf.Func{Name: "tcp_recvmsg", Type: takes("bpf_iter_meta")}, ""},
		{&btf.Struct{Name: "bpf_iter_tcp"}, ""},
	}
	for _, test := range tests {
		if got, ok := iterator(test.typ); ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%v: %q, %v; want %q", test.typ, got, ok, test.want)
		}
	}
}

// Without BTF nothing is claimed of what only BTF tells.
func TestWithoutBTF(t *testing.T) {
	p := &Prober{noBTF: "there is none"}
	for _, f := range []event.Features{p.Functions(), p.Iterators()} {
		if f.Lack != p.noBTF || len(f.Yes)+len(f.No)+len(f.Unsure) > 0 {
			t.Errorf("%+v, want nothing but the reason", f)
		}
	}
	if newer := p.newer(mapTypeEnum); newer != nil {
		t.Errorf("newer map types: %v", newer)
	}
}
