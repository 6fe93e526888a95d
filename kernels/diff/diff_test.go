package diff

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// probe is a whole one: parts of all sections, and what is given in place of
// some of them.
func probe(given ...event.Features) []event.Features {
	parts := slices.Clone(given)
	for _, section := range event.FeatureSections {
		if !slices.ContainsFunc(parts, func(f event.Features) bool { return f.Section == section }) {
			parts = append(parts, event.Features{Section: section})
		}
	}
	return parts
}

func unsure(name, why string) []event.Unsure { return []event.Unsure{{Name: name, Why: why}} }

// old and recent are two kernels that differ in every way.
var old = Kernel{
	Info: event.Kernel{Ref: "debian:5.10.218-1", Package: "5.10.218-1", Flavour: "cloud-amd64", Release: "5.10.0-30-cloud-amd64", ID: "a"},
	Parts: probe(
		event.Features{Section: event.ProgramTypes, Yes: []string{"xdp", "kprobe", "tracing", "sk_msg", "lirc_mode2"}, No: []string{"syscall"}},
		event.Features{Section: event.MapTypes, Yes: []string{"hash", "array"}, No: []string{"bloom_filter"}},
		event.Features{Section: event.Helpers, Of: "xdp", Yes: []string{"bpf_redirect"}, No: []string{"bpf_loop", "bpf_copy_from_user"}},
		event.Features{Section: event.Helpers, Of: "kprobe", Yes: []string{"bpf_override_return"}, No: []string{"bpf_loop", "bpf_copy_from_user", "bpf_get_func_ip"}},
		event.Features{Section: event.Helpers, Of: "sk_msg", No: []string{"bpf_loop", "bpf_copy_from_user", "bpf_strtol"}},
		event.Features{Section: event.Helpers, Of: "lirc_mode2", Yes: []string{"bpf_rc_repeat", "bpf_rc_keydown"}},
		event.Features{Section: event.Helpers, Of: "tracing", Lack: "there is no probe for their helpers"},
		event.Features{Section: event.Hooks, Yes: []string{"kprobe"}, No: []string{"kprobe.multi"}, Unsure: unsure("fentry", "out of memory")},
		event.Features{Section: event.Functions, Yes: []string{"tcp_bpf_get_proto"}, No: []string{"tcp_bpf_update_proto"}},
		event.Features{Section: event.Iterators, Lack: "the kernel's BTF cannot be read"},
		event.Features{Section: event.Tracepoints, Of: "tcp", Yes: []string{"tcp_probe"}},
		event.Features{Section: event.Tracepoints, Of: "block", Yes: []string{"block_sleeprq", "block_plug"}},
	),
	Config: map[string]string{"CONFIG_VETH": "m", "CONFIG_KASAN": "n", "CONFIG_HZ": "250", "CONFIG_NET": "y", "CONFIG_LOCALVERSION": ""},
}

var recent = Kernel{
	Info: event.Kernel{Ref: "debian:6.1", Package: "6.1.192-2", Flavour: "cloud-amd64", Release: "6.1.0-56-cloud-amd64", ID: "b"},
	Parts: probe(
		event.Features{Section: event.ProgramTypes, Yes: []string{"xdp", "kprobe", "tracing", "sk_msg", "syscall", "lsm"}, No: []string{"lirc_mode2"}},
		event.Features{Section: event.MapTypes, Yes: []string{"hash", "array", "bloom_filter"}, Unsure: unsure("rhash", "it is newer")},
		event.Features{Section: event.Helpers, Of: "xdp", Yes: []string{"bpf_redirect", "bpf_loop"}, No: []string{"bpf_copy_from_user"}},
		event.Features{Section: event.Helpers, Of: "kprobe", Yes: []string{"bpf_loop", "bpf_get_func_ip"}, No: []string{"bpf_override_return"},
			Unsure: append(unsure("bpf_copy_from_user", "it might sleep"), unsure("bpf_copy_from_user_task", "it might sleep")...)},
		event.Features{Section: event.Helpers, Of: "sk_msg", Yes: []string{"bpf_loop", "bpf_strtol"}, No: []string{"bpf_copy_from_user"}},
		event.Features{Section: event.Helpers, Of: "syscall", Yes: []string{"bpf_sys_bpf"}},
		event.Features{Section: event.Helpers, Of: "lsm", Lack: "there is no probe for their helpers"},
		event.Features{Section: event.Helpers, Of: "tracing", Lack: "there is no probe for their helpers"},
		event.Features{Section: event.Hooks, Yes: []string{"kprobe", "kprobe.multi", "fentry"}},
		event.Features{Section: event.Functions, Yes: []string{"tcp_bpf_update_proto"}, No: []string{"tcp_bpf_get_proto"}},
		event.Features{Section: event.Iterators, Yes: []string{"tcp"}},
		event.Features{Section: event.Tracepoints, Of: "tcp", Yes: []string{"tcp_probe", "tcp_bad_csum"}},
		event.Features{Section: event.Tracepoints, Of: "block", Yes: []string{"block_plug"}},
	),
	Config: map[string]string{"CONFIG_VETH": "y", "CONFIG_HZ": "250", "CONFIG_NET": "y", "CONFIG_NEW": "m"},
}

func section(t *testing.T, d Diff, name string) Section {
	t.Helper()
	at := slices.IndexFunc(d.Sections, func(s Section) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("no section %s", name)
	}
	return d.Sections[at]
}

func TestOf(t *testing.T) {
	d := Of(old, recent)
	if !d.Differ || len(d.Sections) != len(event.FeatureSections)+1 {
		t.Errorf("differ %v, %d sections", d.Differ, len(d.Sections))
	}
	tests := []struct {
		section         string
		both            int
		changes, unsure []Change
	}{
		{event.ProgramTypes, 4, []Change{
			{Name: "lirc_mode2", A: Yes, B: No, Helpers: []string{"bpf_rc_keydown", "bpf_rc_repeat"}},
			{Name: "lsm", A: No, B: Yes},
			{Name: "syscall", A: No, B: Yes, Helpers: []string{"bpf_sys_bpf"}},
		}, []Change{}},
		{event.MapTypes, 2, []Change{{Name: "bloom_filter", A: No, B: Yes}}, []Change{{Name: "rhash", A: No, B: Unknown, Why: "it is newer"}}},
		{event.Helpers, 1, []Change{
			{Name: "bpf_get_func_ip", Of: "kprobe", A: No, B: Yes},
			{Name: "bpf_loop", Of: "kprobe", A: No, B: Yes},
			{Name: "bpf_loop", Of: "sk_msg", A: No, B: Yes},
			{Name: "bpf_loop", Of: "xdp", A: No, B: Yes},
			{Name: "bpf_override_return", Of: "kprobe", A: Yes, B: No},
			{Name: "bpf_strtol", Of: "sk_msg", A: No, B: Yes},
		}, []Change{
			{Of: "tracing", A: Unknown, B: Unknown, Why: "there is no probe for their helpers"},
			{Name: "bpf_copy_from_user", Of: "kprobe", A: No, B: Unknown, Why: "it might sleep"},
			{Name: "bpf_copy_from_user_task", Of: "kprobe", A: No, B: Unknown, Why: "it might sleep"},
		}},
		{event.Hooks, 1, []Change{{Name: "kprobe.multi", A: No, B: Yes}}, []Change{{Name: "fentry", A: Unknown, B: Yes, Why: "out of memory"}}},
		{event.Iterators, 0, []Change{}, []Change{{A: Unknown, Why: "the kernel's BTF cannot be read"}}},
		{event.Functions, 0, []Change{
			{Name: "tcp_bpf_get_proto", A: Yes, B: No}, {Name: "tcp_bpf_update_proto", A: No, B: Yes},
		}, []Change{}},
		{event.Tracers, 0, []Change{}, []Change{}},
		{event.Tracepoints, 2, []Change{
			{Name: "block_sleeprq", Of: "block", A: Yes, B: No}, {Name: "tcp_bad_csum", Of: "tcp", A: No, B: Yes},
		}, []Change{}},
		{Config, 2, []Change{
			{Name: "CONFIG_LOCALVERSION", A: `""`, B: "n"}, {Name: "CONFIG_NEW", A: "n", B: "m"}, {Name: "CONFIG_VETH", A: "m", B: "y"},
		}, []Change{}},
	}
	for _, test := range tests {
		t.Run(test.section, func(t *testing.T) {
			s := section(t, d, test.section)
			if s.Both != test.both {
				t.Errorf("%d in both, want %d", s.Both, test.both)
			}
			if !reflect.DeepEqual(s.Changes, test.changes) {
				t.Errorf("changes %+v, want %+v", s.Changes, test.changes)
			}
			if !reflect.DeepEqual(s.Unsure, test.unsure) {
				t.Errorf("unsure %+v, want %+v", s.Unsure, test.unsure)
			}
		})
	}
	if got, want := section(t, d, event.Helpers).Of, []string{"kprobe", "sk_msg", "xdp"}; !slices.Equal(got, want) {
		t.Errorf("helpers of %v were compared, want %v", got, want)
	}
}

// A kernel does not differ from itself, whatever cannot be told of it.
func TestOfItself(t *testing.T) {
	for _, k := range []Kernel{old, recent} {
		d := Of(k, k)
		for _, s := range d.Sections {
			if len(s.Changes) > 0 {
				t.Errorf("%s: %s changed: %+v", k.Info.Ref, s.Name, s.Changes)
			}
		}
		if d.Differ {
			t.Errorf("%s differs from itself", k.Info.Ref)
		}
	}
}

// Turned around, a diff has the same changes with the kernels exchanged.
func TestOfTurned(t *testing.T) {
	forth, back := Of(old, recent), Of(recent, old)
	for i, s := range forth.Sections {
		turned := slices.Clone(back.Sections[i].Changes)
		for j, c := range turned {
			turned[j].A, turned[j].B = c.B, c.A
		}
		if !reflect.DeepEqual(s.Changes, turned) || s.Both != back.Sections[i].Both {
			t.Errorf("%s: %+v forth, %+v back", s.Name, s.Changes, turned)
		}
	}
}

func TestOfWithoutConfig(t *testing.T) {
	bare := recent
	bare.Config = nil
	s := section(t, Of(old, bare), Config)
	want := []Change{{B: Unknown, Why: "it has no configuration"}}
	if len(s.Changes) > 0 || !reflect.DeepEqual(s.Unsure, want) {
		t.Errorf("%+v, want nothing but %+v", s, want)
	}
}

func TestCheck(t *testing.T) {
	types := event.Features{Section: event.ProgramTypes, Yes: []string{"xdp", "kprobe"}}
	xdp := event.Features{Section: event.Helpers, Of: "xdp"}
	kprobe := event.Features{Section: event.Helpers, Of: "kprobe", Lack: "no probe"}
	tests := []struct {
		name    string
		parts   []event.Features
		message string
	}{
		{"whole", probe(types, xdp, kprobe), ""},
		{"nothing", nil, "nothing of program types"},
		{"a section short", probe(types, xdp, kprobe)[1:], "nothing of program types"},
		{"helpers of one type short", probe(types, xdp), "nothing of helpers of kprobe"},
	}
	for _, test := range tests {
		err := Check(test.parts)
		if test.message == "" && err != nil || test.message != "" && (err == nil || !strings.Contains(err.Error(), test.message)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.message)
		}
	}
}

func TestText(t *testing.T) {
	for name, d := range map[string]Diff{"differ.txt": Of(old, recent), "same.txt": Of(recent, recent)} {
		file := filepath.Join("testdata", name)
		got := d.Text()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", name, got)
		}
	}
}

func TestTypes(t *testing.T) {
	s := Section{Of: []string{"a", "b", "c", "d"}}
	of := func(types ...string) []Change {
		var changes []Change
		for _, t := range types {
			changes = append(changes, Change{Of: t})
		}
		return changes
	}
	for want, changes := range map[string][]Change{
		"a": of("a"), "a, b": of("a", "b"), "all 4 but b": of("a", "c", "d"), "all 4": of("a", "b", "c", "d"),
	} {
		if got := s.types(changes); got != want {
			t.Errorf("%v: %q, want %q", changes, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("eleven char ", 20))
	for _, line := range []string{"  short", "  " + words, "  " + strings.Repeat("x", 200), "  é  → " + words} {
		got := wrap(line)
		if rest := strings.Join(strings.Split(strings.TrimSuffix(got, "\n"), "\n      "), " "); rest != line {
			t.Errorf("wrapping lost something: %q became %q", line, rest)
		}
		for part := range strings.Lines(got) {
			if n := len([]rune(strings.TrimSuffix(part, "\n"))); n > width && strings.Contains(strings.TrimSpace(part), " ") {
				t.Errorf("%d characters: %q", n, part)
			}
		}
	}
}

func TestEither(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""}, {"x", "", "x"}, {"", "y", "y"}, {"x", "x", "x"}, {"x", "y", "A: x; B: y"},
	} {
		if got := either(c.a, c.b); got != c.want {
			t.Errorf("either(%q, %q) = %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
