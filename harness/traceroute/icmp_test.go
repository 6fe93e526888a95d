package traceroute

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// syn is a TCP packet from port 40000 whose TTL runs out at the next hop.
func syn() []byte {
	p := make([]byte, 40)
	p[0], p[8], p[9] = 0x45, 1, unix.IPPROTO_TCP
	copy(p[12:], []byte{198, 18, 1, 1})
	copy(p[16:], []byte{198, 18, 6, 2})
	binary.BigEndian.PutUint16(p[20:], 40000)
	return p
}

// Another library reads what is written here, its checksum too, and so does the
// own reader.
func TestFragNeeded(t *testing.T) {
	msg := fragNeeded(syn(), 9000)
	if checksum(msg) != 0 {
		t.Errorf("checksum %#04x does not add up", checksum(msg))
	}
	m, err := icmp.ParseMessage(1, msg)
	if err != nil || m.Type != ipv4.ICMPTypeDestinationUnreachable || m.Code != CodeFragNeeded {
		t.Errorf("%+v, %v", m, err)
	}
	if mtu, port, ok := parseFragNeeded(msg); !ok || mtu != 9000 || port != 40000 {
		t.Errorf("MTU %d, port %d, %v; want 9000, 40000", mtu, port, ok)
	}
	if len(msg) != 8+20+8 {
		t.Errorf("%d bytes, want the header, the packet's and 8 bytes more", len(msg))
	}
}

func TestParseFragNeededRefuses(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"short":          func(b []byte) []byte { return b[:27] },
		"no ports":       func(b []byte) []byte { return b[:28] },
		"time exceeded":  func(b []byte) []byte { b[0] = TypeTimeExceeded; return b },
		"port":           func(b []byte) []byte { b[1] = CodePort; return b },
		"of an ICMP one": func(b []byte) []byte { b[8+9] = unix.IPPROTO_ICMP; return b },
		"long header":    func(b []byte) []byte { b[8] = 0x4f; return b },
	} {
		if mtu, port, ok := parseFragNeeded(spoil(fragNeeded(syn(), 1400))); ok {
			t.Errorf("%s: taken, MTU %d, port %d", name, mtu, port)
		}
	}
}

func TestRunning(t *testing.T) {
	two, six := syn(), syn()
	two[8], six[0] = 2, 0x65
	for _, test := range []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"TTL 1", syn(), true},
		{"TTL 2", two, false},
		{"IPv6", six, false},
		{"cut", syn()[:27], false},
		{"nothing", nil, false},
	} {
		if got := running(test.packet); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// queued is a control message as the kernel writes it.
func queued(origin, typ, code uint8, errno syscall.Errno, info uint32, from [4]byte) []byte {
	b := make([]byte, unix.CmsgSpace(32))
	native.PutUint64(b, uint64(unix.CmsgLen(32)))
	native.PutUint32(b[8:], unix.IPPROTO_IP)
	native.PutUint32(b[12:], unix.IP_RECVERR)
	d := b[16:]
	native.PutUint32(d, uint32(errno))
	d[4], d[5], d[6] = origin, typ, code
	native.PutUint32(d[8:], info)
	native.PutUint16(d[16:], unix.AF_INET)
	copy(d[20:], from[:])
	return b
}

func TestParseError(t *testing.T) {
	router, target := [4]byte{198, 18, 1, 2}, [4]byte{198, 18, 6, 2}
	addr := netip.AddrFrom4
	for _, test := range []struct {
		name string
		oob  []byte
		want Answer
	}{
		{"TIME_EXCEEDED", queued(2, 11, 0, unix.EHOSTUNREACH, 0, router), Answer{From: addr(router), Type: 11, Errno: unix.EHOSTUNREACH}},
		{"FRAG_NEEDED", queued(2, 3, 4, unix.EMSGSIZE, 1400, router), Answer{From: addr(router), Type: 3, Code: 4, Errno: unix.EMSGSIZE, MTU: 1400}},
		{"the target's port", queued(2, 3, 3, unix.ECONNREFUSED, 0, target), Answer{From: addr(target), Arrived: true, Type: 3, Code: 3, Errno: unix.ECONNREFUSED}},
		{"a router's port", queued(2, 3, 3, unix.ECONNREFUSED, 0, router), Answer{From: addr(router), Type: 3, Code: 3, Errno: unix.ECONNREFUSED}},
	} {
		if got, err := parseError(test.oob, addr(target)); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
	for name, oob := range map[string][]byte{
		"nothing": nil, "cut": queued(2, 11, 0, unix.EHOSTUNREACH, 0, router)[:20], "a local error": queued(1, 0, 0, unix.EMSGSIZE, 1400, router),
	} {
		if got, err := parseError(oob, addr(target)); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(syn())
	f.Add(fragNeeded(syn(), 1400))
	f.Add(queued(2, 11, 0, unix.EHOSTUNREACH, 0, [4]byte{198, 18, 1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseError(b, netip.Addr{})
		parseFragNeeded(b)
		if running(b) && checksum(fragNeeded(b, 1400)) != 0 {
			t.Error("the checksum does not add up")
		}
	})
}
