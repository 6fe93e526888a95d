package accel

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/krepro/krepro/bpf"
)

// The two entries of one connection as bpftool printed them on the node of the
// 2024 report "TCP Requests Stuck After Connection Established", section 4.4.
const (
	reportServer = "0a0a8630000000000000000000000000 0a0a65f9000000000000000000000000 01000000 1f900000 db780000"
	reportClient = "0a0a65f9000000000000000000000000 0a0a8630000000000000000000000000 01000000 db780000 1f900000"
)

func TestKeyOfTheReport(t *testing.T) {
	pod, node := netip.MustParseAddrPort("10.10.134.48:8080"), netip.MustParseAddrPort("10.10.101.249:56184")
	for _, c := range []struct {
		name, raw     string
		local, remote netip.AddrPort
	}{
		{"entry of the client's socket", reportServer, node, pod},
		{"entry of the server's socket", reportClient, pod, node},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := parse(t, c.raw)
			got, err := DecodeKey(raw)
			if err != nil || got != KeyOf(c.local, c.remote) {
				t.Fatalf("got %s, %v; want %s", got, err, KeyOf(c.local, c.remote))
			}
			if got.Encode() != raw {
				t.Fatalf("encoded to %+v, want %+v", got.Encode(), raw)
			}
		})
	}
}

func TestKeyIPv6RoundTrip(t *testing.T) {
	k := KeyOf(netip.MustParseAddrPort("[2001:db8::1]:80"), netip.MustParseAddrPort("[2001:db8::2]:40000"))
	got, err := DecodeKey(k.Encode())
	if err != nil || got != k {
		t.Fatalf("got %s, %v; want %s", got, err, k)
	}
}

func TestDecodeKeyRefusesUnknownFamily(t *testing.T) {
	if k, err := DecodeKey(bpf.SockopsSockKey{Family: 3}); err == nil {
		t.Fatalf("decoded to %s", k)
	}
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(make([]byte, 44))
	f.Fuzz(func(t *testing.T, b []byte) {
		var raw bpf.SockopsSockKey
		if len(b) != 44 || binary.Read(bytes.NewReader(b), binary.NativeEndian, &raw) != nil {
			return
		}
		k, err := DecodeKey(raw)
		if err != nil {
			return
		}
		again, err := DecodeKey(k.Encode())
		if err != nil || again != k {
			t.Fatalf("%s became %s, %v", k, again, err)
		}
	})
}

func parse(t *testing.T, s string) (raw bpf.SockopsSockKey) {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Read(bytes.NewReader(b), binary.NativeEndian, &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}
