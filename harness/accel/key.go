package accel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/krepro/krepro/bpf"
)

// Families as Cilium numbers them in its keys.
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// Key is a key of the sockhash, decoded. An entry is stored under its peer's
// view: Src is the address of the far end of the entry's socket, Dst its own.
type Key struct {
	Src, Dst netip.AddrPort
}

// KeyOf is the key under which the socket with these two addresses is stored.
func KeyOf(local, remote netip.AddrPort) Key { return Key{Src: remote, Dst: local} }

// ClientPort is the client's port, whichever end the entry is of: a server's is the lower.
func (k Key) ClientPort() uint16 { return max(k.Src.Port(), k.Dst.Port()) }

// String names the 4-tuple as its socket sees it: own address first.
func (k Key) String() string { return fmt.Sprintf("%s < %s", k.Dst, k.Src) }

// DecodeKey reads Cilium's layout (v1.11, 44 bytes): source and destination
// address in 16 bytes each, family, three bytes of padding, source and
// destination port as 32 bits with the port in network order in the low half.
func DecodeKey(raw bpf.SockopsSockKey) (Key, error) {
	src, err := address(raw.Family, raw.Sip)
	if err != nil {
		return Key{}, err
	}
	dst, err := address(raw.Family, raw.Dip)
	if err != nil {
		return Key{}, err
	}
	return Key{
		Src: netip.AddrPortFrom(src, swap16(uint16(raw.Sport))),
		Dst: netip.AddrPortFrom(dst, swap16(uint16(raw.Dport))),
	}, nil
}

// Encode is the reverse of DecodeKey.
func (k Key) Encode() bpf.SockopsSockKey {
	raw := bpf.SockopsSockKey{
		Sip:    words(k.Src.Addr()),
		Dip:    words(k.Dst.Addr()),
		Sport:  uint32(swap16(k.Src.Port())),
		Dport:  uint32(swap16(k.Dst.Port())),
		Family: familyIPv4,
	}
	if k.Src.Addr().Is6() {
		raw.Family = familyIPv6
	}
	return raw
}

func address(family uint8, w [4]uint32) (netip.Addr, error) {
	var b [16]byte
	for i, v := range w {
		binary.NativeEndian.PutUint32(b[i*4:], v)
	}
	switch family {
	case familyIPv4:
		return netip.AddrFrom4([4]byte(b[:4])), nil
	case familyIPv6:
		return netip.AddrFrom16(b), nil
	}
	return netip.Addr{}, fmt.Errorf("decode sockhash key: unknown family %d (1 is IPv4, 2 is IPv6)", family)
}

// words is an address as four 32-bit words in memory order; IPv4 takes the first.
func words(a netip.Addr) (w [4]uint32) {
	var b [16]byte
	copy(b[:], a.AsSlice())
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(b[i*4:])
	}
	return w
}

func swap16(v uint16) uint16 { return v<<8 | v>>8 }
