package chain

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

const (
	// Of a socket 10.10.101.249:8080 whose peer is 10.10.134.48:56184.
	keyV4 = "0a0a8630000000000000000000000000" + "0a0a65f9000000000000000000000000" + "01000000db7800001f900000"
	keyV6 = "fd000000000000000000000000000001" + "fd000000000000000000000000000002" + "02000000a00000001f900000"
)

func TestDecodeKey(t *testing.T) {
	tests := []struct{ name, raw, src, dst, fault string }{
		{"IPv4", keyV4, "10.10.134.48:56184", "10.10.101.249:8080", ""},
		{"IPv6", keyV6, "[fd00::1]:40960", "[fd00::2]:8080", ""},
		{"short", keyV4[:86], "", "", "43 bytes, want 44"},
		{"no hex", "xy" + keyV4[2:], "", "", "invalid byte"},
		{"family", keyV4[:64] + "07" + keyV4[66:], "", "", "unknown family 7"},
		{"padding", keyV4[:66] + "01" + keyV4[68:], "", "", "padding"},
		{"IPv4 beyond its word", keyV4[:8] + "01" + keyV4[10:], "", "", "padding"},
		{"port beyond its half", keyV4[:86] + "01", "", "", "padding"},
	}
	for _, test := range tests {
		k, err := DecodeKey(test.raw)
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s: error %v, want %q", test.name, err, test.fault)
			}
			continue
		}
		if err != nil || k.Src.String() != test.src || k.Dst.String() != test.dst {
			t.Errorf("%s: %s < %s (%v), want %s < %s", test.name, k.Dst, k.Src, err, test.dst, test.src)
		}
	}
}

func TestCheckEntry(t *testing.T) {
	entry := func(change func(*event.Entry)) event.Entry {
		e := event.Entry{Map: "sockhash", Key: keyV4, Value: "c900000000000000", Cookie: 201,
			Local: netip.MustParseAddrPort("10.10.101.249:8080"), Remote: netip.MustParseAddrPort("10.10.134.48:56184")}
		change(&e)
		return e
	}
	tests := []struct {
		name  string
		entry event.Entry
		fault string
	}{
		{"agrees", entry(func(*event.Entry) {}), ""},
		{"Cilium's value", entry(func(e *event.Entry) { e.Value = "07000000" }), ""},
		{"ends swapped", entry(func(e *event.Entry) { e.Local, e.Remote = e.Remote, e.Local }), "the guest decoded 10.10.134.48"},
		{"cookie", entry(func(e *event.Entry) { e.Cookie = 202 }), "cookie 201, the guest decoded 202"},
		{"torn", entry(func(e *event.Entry) { e.Key = e.Key[:10] }), "5 bytes"},
		{"sockmap", entry(func(e *event.Entry) { e.Map, e.Key = "sockmap", "07000000" }), ""},
	}
	for _, test := range tests {
		err := CheckEntry(test.entry)
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.fault)
		}
	}
}

// FuzzDecodeKey: whatever is taken for a key is one, byte for byte.
func FuzzDecodeKey(f *testing.F) {
	for _, s := range []string{keyV4, keyV6, "", "00", strings.Repeat("ff", keyLen)} {
		raw, _ := hex.DecodeString(s)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := DecodeKey(hex.EncodeToString(raw))
		if err != nil {
			return
		}
		if !k.Src.IsValid() || !k.Dst.IsValid() || k.Src.Addr().BitLen() != k.Dst.Addr().BitLen() {
			t.Errorf("% x: %s < %s", raw, k.Dst, k.Src)
		}
		if got := k.encode(); string(got[:]) != string(raw) {
			t.Errorf("decoded % x, encoded % x", raw, got)
		}
	})
}
