package netlab

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Segment is one TCP segment as seen on a device.
type Segment struct {
	Src, Dst netip.AddrPort
	Flags    uint8 // FIN 1, SYN 2, RST 4, PSH 8, ACK 16 (RFC 9293)
	Payload  int   // bytes of data
}

// SYN is the flag of a handshake's segments.
const SYN = 2

var errNotTCP = errors.New("not a TCP segment")

// ParseSegment reads an IPv4 or IPv6 packet (no link header, no IPv6 extension
// headers: the lab makes none).
func ParseSegment(ip []byte) (Segment, error) {
	if len(ip) < 20 {
		return Segment{}, errNotTCP
	}
	switch ip[0] >> 4 {
	case 4:
		header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
		if ip[9] != 6 || header < 20 || total < header || total > len(ip) {
			return Segment{}, errNotTCP
		}
		src, _ := netip.AddrFromSlice(ip[12:16])
		dst, _ := netip.AddrFromSlice(ip[16:20])
		return parseTCP(src, dst, ip[header:total])
	case 6:
		if len(ip) < 40 {
			return Segment{}, errNotTCP
		}
		total := 40 + int(binary.BigEndian.Uint16(ip[4:]))
		if ip[6] != 6 || total > len(ip) {
			return Segment{}, errNotTCP
		}
		src, _ := netip.AddrFromSlice(ip[8:24])
		dst, _ := netip.AddrFromSlice(ip[24:40])
		return parseTCP(src, dst, ip[40:total])
	}
	return Segment{}, errNotTCP
}

func parseTCP(src, dst netip.Addr, tcp []byte) (Segment, error) {
	if len(tcp) < 20 {
		return Segment{}, errNotTCP
	}
	header := int(tcp[12]>>4) * 4
	if header < 20 || header > len(tcp) {
		return Segment{}, errNotTCP
	}
	return Segment{
		Src:     netip.AddrPortFrom(src, binary.BigEndian.Uint16(tcp)),
		Dst:     netip.AddrPortFrom(dst, binary.BigEndian.Uint16(tcp[2:])),
		Flags:   tcp[13],
		Payload: len(tcp) - header,
	}, nil
}
