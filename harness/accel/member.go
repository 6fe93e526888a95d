package accel

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// Member is what acceleration did for a socket: the update that was to enter it
// into the map, and what became of its sendmsg calls. Nil is for none, or for
// none any more: what is known of a socket goes when as many later ones have
// been entered as the members map has slots.
func (a *Accel) Member(cookie uint64) (*event.Update, *event.Redirects, error) {
	buf := make([]byte, unsafe.Sizeof(bpf.SockopsMember{}))
	slots := uint64(a.objs.Members.MaxEntries())
	if _, err := a.members.ReadAt(buf, int64(cookie%slots)*int64(len(buf))); err != nil {
		return nil, nil, fmt.Errorf("read member %d: %w", cookie, err)
	}
	m, err := decodeMember(buf)
	if err != nil || m.Cookie != cookie || m.Updated == 0 {
		return nil, nil, err
	}
	u := &event.Update{T: seconds(m.Updated), Op: "active", Return: int(m.Err)}
	if m.Op == passiveEstablished {
		u.Op = "passive"
	}
	if m.Err != 0 {
		u.Errno = errnoName(syscall.Errno(-m.Err))
	}
	if m.Sent == 0 {
		return u, nil, nil
	}
	return u, &event.Redirects{First: seconds(m.Sent), Redirected: m.Redirected, NoPeer: m.NoPeer}, nil
}

func decodeMember(b []byte) (m bpf.SockopsMember, err error) {
	if _, err := binary.Decode(b, binary.NativeEndian, &m); err != nil {
		return m, fmt.Errorf("decode member: %w", err)
	}
	return m, nil
}

// errnoName is EEXIST for EEXIST.
func errnoName(e syscall.Errno) string {
	if name := unix.ErrnoName(e); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", int(e))
}

// seconds turns nanoseconds of CLOCK_BOOTTIME into what records carry.
func seconds(ns uint64) float64 { return float64(ns/1000) / 1e6 }

// Map is the map that sockets are entered into since Reset.
func (a *Accel) Map() *ebpf.Map {
	switch {
	case a.sockmapUsed:
		return a.objs.SockMap
	case a.cookiesUsed:
		return a.objs.CookieHash
	}
	return a.objs.SockHash
}
