package traceroute

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// ICMP errors (RFC 792, 1191).
const (
	TypeUnreachable  = 3
	CodePort         = 3 // of TypeUnreachable
	CodeFragNeeded   = 4
	TypeTimeExceeded = 11
)

var native = binary.NativeEndian

// fragNeeded is the ICMP message that a router sends if a packet is too long for
// the link it would go on, which has this MTU.
func fragNeeded(packet []byte, mtu uint16) []byte {
	msg := make([]byte, 8, 8+28)
	msg[0], msg[1] = TypeUnreachable, CodeFragNeeded
	binary.BigEndian.PutUint16(msg[6:], mtu)
	header := int(packet[0]&15) * 4
	msg = append(msg, packet[:min(len(packet), header+8)]...)
	binary.BigEndian.PutUint16(msg[2:], checksum(msg))
	return msg
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// parseFragNeeded reads an ICMP message: the MTU, and the source port of the TCP
// or UDP packet that was too long. ok is false of any other message.
func parseFragNeeded(msg []byte) (mtu int, source uint16, ok bool) {
	if len(msg) < 8+20 || msg[0] != TypeUnreachable || msg[1] != CodeFragNeeded {
		return 0, 0, false
	}
	inner, header := msg[8:], int(msg[8]&15)*4
	if protocol := inner[9]; len(inner) < header+2 || protocol != unix.IPPROTO_TCP && protocol != unix.IPPROTO_UDP {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint16(msg[6:])), binary.BigEndian.Uint16(inner[header:]), true
}

// running tells whether an IPv4 packet is one whose TTL runs out here.
func running(packet []byte) bool {
	return len(packet) >= 28 && packet[0]>>4 == 4 && int(packet[0]&15)*4 <= len(packet)-8 && packet[8] == 1
}
