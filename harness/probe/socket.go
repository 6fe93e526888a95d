package probe

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// TCPInfo reads TCP_INFO of a connection, and FIONREAD.
func TCPInfo(c syscall.Conn) (event.TCPInfo, error) {
	var raw *unix.TCPInfo
	readable := 0
	err := control(c, func(fd int) (err error) {
		if raw, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil {
			return err
		}
		readable, err = unix.IoctlGetInt(fd, unix.SIOCINQ)
		return err
	})
	if err != nil {
		return event.TCPInfo{}, fmt.Errorf("read TCP_INFO: %w", err)
	}
	return event.TCPInfo{
		T: event.Now(), State: event.TCPState(raw.State), Readable: readable,
		SegsOut: raw.Segs_out, SegsIn: raw.Segs_in,
		BytesAcked: raw.Bytes_acked, BytesReceived: raw.Bytes_received,
		LastSent: raw.Last_data_sent, LastReceived: raw.Last_data_recv,
	}, nil
}

// Cookie reads a socket's cookie (SO_COOKIE, socket(7)), which the kernel
// assigns when it is first asked for: from then on the socket is watched.
func Cookie(c syscall.Conn) (uint64, error) {
	var cookie uint64
	err := control(c, func(fd int) (err error) {
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read SO_COOKIE: %w", err)
	}
	return cookie, nil
}

func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
