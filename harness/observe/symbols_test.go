package observe

import (
	"testing"

	"github.com/krepro/krepro/harness/event"
)

func TestParseSymbol(t *testing.T) {
	for _, c := range []struct {
		line  string
		index int
		want  event.Frame
	}{
		{"0 tcp_recvmsg+0x1/0x150\n", 0, event.Frame{Symbol: "tcp_recvmsg", Offset: 1}},
		{"12 __sys_recvfrom+0x16a/0x1b0", 12, event.Frame{Symbol: "__sys_recvfrom", Offset: 0x16a}},
		{"3 veth_xmit+0xaa/0x200 [veth]\n", 3, event.Frame{Symbol: "veth_xmit", Offset: 0xaa, Module: "veth"}},
		{"4 bpf_prog_7aa9a870410635af_establish+0x33f/0x4c0 [bpf]\n", 4,
			event.Frame{Symbol: "bpf_prog_7aa9a870410635af_establish", Offset: 0x33f, Module: "bpf"}},
		{"5 tcp_in.constprop.0+0x3/0x8 [nf_tables 0123456789abcdef]\n", 5,
			event.Frame{Symbol: "tcp_in.constprop.0", Offset: 3, Module: "nf_tables"}},
		{"6 0xffffffffc0000000\n", 6, event.Frame{}},
	} {
		index, got, err := parseSymbol(c.line)
		if err != nil || index != c.index || got != c.want {
			t.Errorf("%q: got %d %+v, %v; want %d %+v", c.line, index, got, err, c.index, c.want)
		}
	}
}

func TestParseSymbolRefuses(t *testing.T) {
	for _, line := range []string{"", "tcp_recvmsg+0x1/0x150", "1 tcp_recvmsg", "-1 0xff", "99999999999999999999 a+0x1/0x2"} {
		if index, f, err := parseSymbol(line); err == nil {
			t.Errorf("%q: gave %d %+v", line, index, f)
		}
	}
}

func FuzzParseSymbol(f *testing.F) {
	f.Add("4 bpf_prog_7aa9a870410635af_establish+0x33f/0x4c0 [bpf]\n")
	f.Add("6 0xffffffffc0000000\n")
	f.Fuzz(func(t *testing.T, line string) {
		if index, _, err := parseSymbol(line); err == nil && index < 0 {
			t.Fatalf("%q: index %d", line, index)
		}
	})
}
