package netlab

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// A SYN from 10.0.0.1:40000 to 10.0.0.2:80, with 4 bytes of trailing padding.
const synV4 = "4500002800014000400600000a0000010a000002" + "9c4000500000000100000000500220000000" + "0000" + "00000000"

// The head of a packet of 1,052 bytes with 1,000 of data and timestamps, the
// other way, cut behind its TCP header.
const cutV4 = "4500041c00014000400600000a0000020a000001" + "00509c40fffffffe00000002801820000000" + "0000" + "0101080a0000000100000002"

// Three bytes of data from [2001:db8::1]:1 to [2001:db8::2]:2.
const dataV6 = "60000000001706402" + "0010db8000000000000000000000001" + "20010db8000000000000000000000002" +
	"0001000200000001000000015018200000000000" + "616263"

func TestParseSegment(t *testing.T) {
	for _, c := range []struct {
		name, packet string
		want         Segment
	}{
		{"IPv4 SYN, padding is no payload", synV4,
			Segment{Src: ap("10.0.0.1:40000"), Dst: ap("10.0.0.2:80"), Flags: SYN, Seq: 1, Wire: 40}},
		{"IPv4 data, cut", cutV4,
			Segment{Src: ap("10.0.0.2:80"), Dst: ap("10.0.0.1:40000"), Flags: PSH | ACK, Seq: 1<<32 - 2, Ack: 2, Payload: 1000, Wire: 1052}},
		{"IPv6 data", dataV6,
			Segment{Src: ap("[2001:db8::1]:1"), Dst: ap("[2001:db8::2]:2"), Flags: PSH | ACK, Seq: 1, Ack: 1, Payload: 3, Wire: 63}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSegment(unhex(t, c.packet))
			if err != nil || got != c.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestParseSegmentRefuses(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":                         "",
		"one byte":                      "45",
		"cut in the TCP header":         synV4[:60],
		"cut in the TCP options":        cutV4[:len(cutV4)-2],
		"cut in the IPv6 header":        dataV6[:78],
		"shorter than its TCP header":   "45000027" + synV4[8:],
		"IP options beyond the end":     "4f" + synV4[2:],
		"IP header shorter than itself": "44" + synV4[2:],
		"later fragment":                synV4[:12] + "2001" + synV4[16:],
		"UDP":                           synV4[:18] + "11" + synV4[20:],
		"TCP header of 16 bytes":        synV4[:64] + "40" + synV4[66:],
		"ARP":                           "0001080006040001" + "020000000001c6120001000000000000c6130001",
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := ParseSegment(unhex(t, packet)); err == nil {
				t.Errorf("parsed as %+v", s)
			}
		})
	}
}

func TestFlagString(t *testing.T) {
	for want, flags := range map[string]uint8{
		"S": SYN, "S.": SYN | ACK, ".": ACK, "P.": PSH | ACK, "F.": FIN | ACK, "FP.": FIN | PSH | ACK,
		"R": RST, "R.": RST | ACK, "SEW": SYN | ECE | CWR, ".U": ACK | URG, "none": 0,
	} {
		if got := (Segment{Flags: flags}).FlagString(); got != want {
			t.Errorf("flags %#x are written %q, want %q", flags, got, want)
		}
	}
}

func FuzzParseSegment(f *testing.F) {
	for _, s := range []string{synV4, cutV4, dataV6} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSegment(b)
		if err != nil {
			return
		}
		if header := s.Wire - s.Payload; s.Payload < 0 || header < 40 || header > min(120, len(b)) {
			t.Errorf("%d bytes of data in %d, of which %d are here", s.Payload, s.Wire, len(b))
		}
		if !s.Src.IsValid() || !s.Dst.IsValid() || s.FlagString() == "" {
			t.Errorf("parsed as %+v", s)
		}
	})
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
