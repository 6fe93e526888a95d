package chain

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/krepro/krepro/harness/event"
)

// Layout of a sockhash's key in Cilium v1.11 (struct sock_key of
// bpf/sockops/bpf_sockops.h), 44 bytes: source and destination address in 16
// bytes each, of which IPv4 takes the first four; the family; three bytes of
// padding; source and destination port as 32 bits with the port in network
// order in the first two bytes.
const (
	keyLen    = 44
	keyDst    = 16
	keyFamily = 32
	keySport  = 36
	keyDport  = 40

	familyIPv4 = 1
	familyIPv6 = 2
)

// Key is a key of the sockhash. A socket is entered under its peer's view, so
// that a sender finds its peer by its own addresses: Src is the socket's
// remote address, Dst its own.
type Key struct{ Src, Dst netip.AddrPort }

// DecodeKey reads a key from hex. Bytes that the layout leaves unused must be
// zero: the kernel compares all of them.
func DecodeKey(text string) (Key, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return Key{}, fmt.Errorf("decode key: %w", err)
	}
	if len(raw) != keyLen {
		return Key{}, fmt.Errorf("decode key: %d bytes, want %d", len(raw), keyLen)
	}
	k := Key{
		Src: netip.AddrPortFrom(keyAddr(raw[:keyDst], raw[keyFamily]), binary.BigEndian.Uint16(raw[keySport:])),
		Dst: netip.AddrPortFrom(keyAddr(raw[keyDst:keyFamily], raw[keyFamily]), binary.BigEndian.Uint16(raw[keyDport:])),
	}
	if !k.Src.IsValid() || !k.Dst.IsValid() {
		return Key{}, fmt.Errorf("decode key: unknown family %d (1 is IPv4, 2 is IPv6)", raw[keyFamily])
	}
	if k.encode() != [keyLen]byte(raw) {
		return Key{}, fmt.Errorf("decode key: padding is not zero")
	}
	return k, nil
}

// keyAddr is the address in 16 bytes; the zero Addr if nobody knows the family.
func keyAddr(b []byte, family byte) netip.Addr {
	switch family {
	case familyIPv4:
		return netip.AddrFrom4([4]byte(b[:4]))
	case familyIPv6:
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.Addr{}
}

// encode is the reverse of DecodeKey.
func (k Key) encode() (raw [keyLen]byte) {
	raw[keyFamily] = familyIPv4
	if k.Src.Addr().BitLen() == 128 {
		raw[keyFamily] = familyIPv6
	}
	copy(raw[:], k.Src.Addr().AsSlice())
	copy(raw[keyDst:], k.Dst.Addr().AsSlice())
	binary.BigEndian.PutUint16(raw[keySport:], k.Src.Port())
	binary.BigEndian.PutUint16(raw[keyDport:], k.Dst.Port())
	return raw
}

// CheckEntry decodes an entry's raw bytes and holds them against what the
// guest decoded. A sockmap's entry has a slot in place of addresses.
func CheckEntry(e event.Entry) error {
	if e.Map != "sockhash" {
		return nil
	}
	k, err := DecodeKey(e.Key)
	if err != nil {
		return fmt.Errorf("entry %s: %w", e.Key, err)
	}
	if k.Dst != e.Local || k.Src != e.Remote {
		return fmt.Errorf("entry %s: the key says %s < %s, the guest decoded %s < %s", e.Key, k.Dst, k.Src, e.Local, e.Remote)
	}
	if cookie, ok := valueCookie(e.Value); ok && cookie != e.Cookie {
		return fmt.Errorf("entry %s: the value says cookie %d, the guest decoded %d", e.Key, cookie, e.Cookie)
	}
	return nil
}

// valueCookie reads krepro's value, a cookie in eight bytes of a little-endian
// machine. Cilium's has four, which the kernel does not give out.
func valueCookie(text string) (cookie uint64, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(raw), true
}

// Owner names the socket that an entry is of: its own address first.
func Owner(e event.Entry) string {
	if e.Local.IsValid() {
		return fmt.Sprintf("%s < %s", e.Local, e.Remote)
	}
	return "slot " + strconv.Itoa(int(e.Slot))
}
