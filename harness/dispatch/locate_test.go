package dispatch

import (
	"maps"
	"strings"
	"testing"
)

func TestParseProbes(t *testing.T) {
	list := "ffffffff9ae31a40  k  tcp_recvmsg+0x0    [FTRACE]\n" +
		"ffffffff9aeb5f64  k  tcp_bpf_recvmsg+0x4    [DISABLED][FTRACE]\n" +
		"ffffffffc0213000  r  veth_xmit+0x0  veth \n"
	got, err := parseProbes(strings.NewReader(list))
	want := map[string]uint64{
		"tcp_recvmsg": 0xffffffff9ae31a40, "tcp_bpf_recvmsg": 0xffffffff9aeb5f60, "veth_xmit": 0xffffffffc0213000,
	}
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %#x, %v; want %#x", got, err, want)
	}
}

func TestParseProbesRefuses(t *testing.T) {
	for _, list := range []string{
		"0000000000000000  k  tcp_recvmsg+0x0    [FTRACE]\n", // kptr_restrict
		"address  k  tcp_recvmsg+0x0\n",
		"ffffffff9ae31a40  k  tcp_recvmsg\n",
	} {
		if got, err := parseProbes(strings.NewReader(list)); err == nil {
			t.Errorf("%q gave %#x", list, got)
		}
	}
}

func FuzzParseProbes(f *testing.F) {
	f.Add("ffffffff9ae31a40  k  tcp_recvmsg+0x0    [FTRACE]\n")
	f.Fuzz(func(t *testing.T, list string) {
		_, _ = parseProbes(strings.NewReader(list)) // must not panic
	})
}
