package netlab

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// A SYN from 10.0.0.1:40000 to 10.0.0.2:80, with 4 bytes of trailing padding.
const synV4 = "4500002800014000400600000a0000010a000002" + "9c4000500000000100000000500220000000" + "0000" + "00000000"

// Three bytes of data from [2001:db8::1]:1 to [2001:db8::2]:2.
const dataV6 = "60000000001706402" + "0010db8000000000000000000000001" + "20010db8000000000000000000000002" +
	"0001000200000001000000015018200000000000" + "616263"

func TestParseSegment(t *testing.T) {
	for _, c := range []struct {
		name, packet string
		want         Segment
	}{
		{"IPv4 SYN, padding is no payload", synV4, Segment{ap("10.0.0.1:40000"), ap("10.0.0.2:80"), SYN, 0}},
		{"IPv6 data", dataV6, Segment{ap("[2001:db8::1]:1"), ap("[2001:db8::2]:2"), 24, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := hex.DecodeString(c.packet)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseSegment(raw)
			if err != nil || got != c.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestParseSegmentRefuses(t *testing.T) {
	for _, packet := range []string{"", "45", synV4[:60], "46" + synV4[2:60]} {
		raw, _ := hex.DecodeString(packet)
		if s, err := ParseSegment(raw); err == nil {
			t.Errorf("%q parsed as %+v", packet, s)
		}
	}
}

func FuzzParseSegment(f *testing.F) {
	for _, s := range []string{synV4, dataV6} {
		raw, _ := hex.DecodeString(s)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseSegment(b); err == nil && (s.Payload < 0 || s.Payload > len(b)) {
			t.Errorf("payload %d of a packet of %d bytes", s.Payload, len(b))
		}
	})
}

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
