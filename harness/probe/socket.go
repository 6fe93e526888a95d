package probe

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Info is the part of TCP_INFO (tcp(7), linux/tcp.h) that tells where payload went.
type Info struct {
	State                 uint8  // TCP_ESTABLISHED is 1
	SegsOut, SegsIn       uint32 // segments that passed the stack, handshake included
	BytesAcked, BytesRecv uint64 // of the stack: redirected payload is in neither
}

func (i Info) String() string {
	return fmt.Sprintf("segs_out %d segs_in %d bytes_acked %d bytes_received %d", i.SegsOut, i.SegsIn, i.BytesAcked, i.BytesRecv)
}

// TCPInfo reads it from a connection.
func TCPInfo(c syscall.Conn) (Info, error) {
	var raw *unix.TCPInfo
	err := control(c, func(fd int) (err error) {
		raw, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	if err != nil {
		return Info{}, fmt.Errorf("read TCP_INFO: %w", err)
	}
	return Info{
		State: raw.State, SegsOut: raw.Segs_out, SegsIn: raw.Segs_in,
		BytesAcked: raw.Bytes_acked, BytesRecv: raw.Bytes_received,
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
