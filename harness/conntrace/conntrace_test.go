package conntrace

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// wire is an event as the kernel writes it.
func wire(t *testing.T, change func(*bpf.ConnectConnectEvent)) []byte {
	t.Helper()
	raw := bpf.ConnectConnectEvent{Time: 12_500_000_999, Began: 9_500_000_000, Cookie: 7, Netns: 4026531840,
		Process: 12, Thread: 13, Retries: 1, Error: 110, Kind: 2}
	copy(raw.Command[:], []int8{'n', 'c'})
	raw.Stack[0], raw.Stack[1] = 0x10, 0x20
	set := func(ip *[16]byte, port *uint16, a string) {
		ap := netip.MustParseAddrPort(a)
		*ip, *port = ap.Addr().As16(), ap.Port()
	}
	set(&raw.Local.Ip, &raw.Local.Port, "198.18.0.1:41000")
	set(&raw.Remote.Ip, &raw.Remote.Port, "[2001:db8::1]:80")
	if change != nil {
		change(&raw)
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.NativeEndian, raw); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	raw, err := decode(wire(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	got, want := connect(raw), event.Connect{Kind: event.ConnectFailed, T: 12.5, Began: 9.5, Netns: 4026531840,
		Local: netip.MustParseAddrPort("198.18.0.1:41000"), Remote: netip.MustParseAddrPort("[2001:db8::1]:80"),
		Retries: 1, Errno: "ETIMEDOUT", Process: 12, Thread: 13, Command: "nc", Cookie: 7}
	if Line(got) != Line(want) || got.Cookie != 7 || got.Thread != 13 || got.Netns != want.Netns || got.T != want.T {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s := stack(raw); len(s) != 2 || s[0] != 0x10 || s[1] != 0x20 {
		t.Errorf("stack %#x", s)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"short":        wire(t, nil)[:40],
		"no kind":      wire(t, func(e *bpf.ConnectConnectEvent) { e.Kind = 0 }),
		"unknown kind": wire(t, func(e *bpf.ConnectConnectEvent) { e.Kind = 3 }),
	} {
		if _, err := decode(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLine(t *testing.T) {
	for _, test := range []struct {
		change func(*bpf.ConnectConnectEvent)
		want   string
	}{
		{nil, "failed   198.18.0.1:41000 > [2001:db8::1]:80  after 3.000 s, 1 retry: ETIMEDOUT  nc 12"},
		{func(e *bpf.ConnectConnectEvent) { e.Kind, e.Error = 1, 0 }, "retry 1  198.18.0.1:41000 > [2001:db8::1]:80  after 3.000 s  nc 12"},
		{func(e *bpf.ConnectConnectEvent) { e.Error, e.Retries = 0, 3 },
			"failed   198.18.0.1:41000 > [2001:db8::1]:80  after 3.000 s, 3 retries: closed while it waited for an answer  nc 12"},
		{func(e *bpf.ConnectConnectEvent) { e.Error, e.Retries = 111, 0 }, "failed   198.18.0.1:41000 > [2001:db8::1]:80  after 3.000 s: ECONNREFUSED  nc 12"},
		{func(e *bpf.ConnectConnectEvent) { e.Error, e.Retries = 4000, 0 }, "failed   198.18.0.1:41000 > [2001:db8::1]:80  after 3.000 s: errno 4000  nc 12"},
	} {
		raw, err := decode(wire(t, test.change))
		if err != nil {
			t.Fatal(err)
		}
		if got := Line(connect(raw)); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

func TestLineOfAContainer(t *testing.T) {
	e := event.Connect{Kind: event.ConnectRetry, Retries: 1, Process: 4711, Contained: []int{12, 7}, Command: "nc"}
	if got, want := Line(e), "nc 4711 (7 in its pid namespace)"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want …%q", got, want)
	}
}

func TestTrace(t *testing.T) {
	got := Trace([]event.Frame{{Address: "0x1", Symbol: "tcp_reset", Offset: 16}, {Address: "0x2", Symbol: "f", Offset: 1, Module: "nf_tables"}, {Address: "0x3"}})
	if want := "    tcp_reset+0x10\n    f+0x1 [nf_tables]\n    0x3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLacks(t *testing.T) {
	kprobes := &fstest.MapFile{Data: []byte("6\n")}
	lockdown := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, test := range []struct {
		name  string
		files fstest.MapFS
		uid   int
		want  string // its beginning; empty: nothing
	}{
		{"all there", fstest.MapFS{kprobePMU: kprobes, "sys/kernel/security/lockdown": lockdown("[none] integrity confidentiality")}, 0, ""},
		{"integrity allows it", fstest.MapFS{kprobePMU: kprobes, "sys/kernel/security/lockdown": lockdown("none [integrity] confidentiality")}, 0, ""},
		{"locked down", fstest.MapFS{kprobePMU: kprobes, "sys/kernel/security/lockdown": lockdown("none integrity [confidentiality]")}, 0, "leave to trace"},
		{"no kprobes", fstest.MapFS{}, 0, "kprobes"},
		{"not root", fstest.MapFS{kprobePMU: kprobes}, 1000, "root"},
	} {
		if got := Lacks(test.files, test.uid); !strings.HasPrefix(got, test.want) || (test.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
