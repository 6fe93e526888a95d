package netlab

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
)

// Segment is one TCP segment as seen on a device. On a veth pair it may be
// larger than the MTU: what is to be cut into segments (GSO) never is.
type Segment struct {
	Src, Dst netip.AddrPort
	Flags    uint8 // of RFC 9293: SYN and the others
	Seq, Ack uint32
	Payload  int // bytes of data
	Wire     int // bytes of the IP packet
}

// Flags of a segment (RFC 9293, 3168).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// flagLetters are tcpdump's, from FIN on.
const flagLetters = "FSRP.UEW"

// FlagString writes the flags as tcpdump does, ACK as a dot: S, S., P., F., R.
func (s Segment) FlagString() string {
	var letters strings.Builder
	for bit := range len(flagLetters) {
		if s.Flags>>bit&1 != 0 {
			letters.WriteByte(flagLetters[bit])
		}
	}
	if letters.Len() == 0 {
		return "none"
	}
	return letters.String()
}

var errNotTCP = errors.New("not a TCP segment")

// ParseSegment reads an IPv4 or IPv6 packet without a link header and without
// IPv6 extension headers: the lab makes none. The packet may be cut anywhere
// behind its TCP header, and may be padded.
func ParseSegment(ip []byte) (Segment, error) {
	if len(ip) < 20 {
		return Segment{}, errNotTCP
	}
	switch ip[0] >> 4 {
	case 4:
		header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
		later := binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 // a fragment without the TCP header
		if ip[9] != 6 || header < 20 || later {
			return Segment{}, errNotTCP
		}
		return parseTCP(ip, header, total, ip[12:16], ip[16:20])
	case 6:
		if len(ip) < 40 || ip[6] != 6 {
			return Segment{}, errNotTCP
		}
		return parseTCP(ip, 40, 40+int(binary.BigEndian.Uint16(ip[4:])), ip[8:24], ip[24:40])
	}
	return Segment{}, errNotTCP
}

// parseTCP reads the TCP header at an offset of an IP packet of so many bytes.
func parseTCP(ip []byte, at, total int, src, dst []byte) (Segment, error) {
	if len(ip) < at+20 {
		return Segment{}, errNotTCP
	}
	tcp := ip[at:]
	header := int(tcp[12]>>4) * 4
	if header < 20 || at+header > min(total, len(ip)) {
		return Segment{}, errNotTCP
	}
	return Segment{
		Src:     addrPort(src, tcp),
		Dst:     addrPort(dst, tcp[2:]),
		Flags:   tcp[13],
		Seq:     binary.BigEndian.Uint32(tcp[4:]),
		Ack:     binary.BigEndian.Uint32(tcp[8:]),
		Payload: total - at - header,
		Wire:    total,
	}, nil
}

func addrPort(ip, port []byte) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip) // of 4 or 16 bytes
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(port))
}
