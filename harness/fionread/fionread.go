// Package fionread reads TCP sockets as programs do that believe the ioctl
// FIONREAD: how much can be read without waiting.
package fionread

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Ask is what FIONREAD says of a socket, in bytes.
func Ask(c syscall.Conn) (n int, err error) {
	err = control(c, func(fd int) (err error) { n, err = ask(fd); return err })
	return n, err
}

func ask(fd int) (int, error) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCINQ) // the name that it has for TCP
	if err != nil {
		return 0, fmt.Errorf("ask FIONREAD: %w", err)
	}
	return n, nil
}

// pause is between two looks at a socket. Waking up by its readiness would rest
// on what the suite is about.
const pause = time.Millisecond

// Await waits until n bytes can be read. recv(2) with MSG_PEEK says so, whatever
// FIONREAD does.
func Await(c syscall.Conn, n int, limit time.Duration) error {
	buf := make([]byte, n)
	for deadline := time.Now().Add(limit); ; time.Sleep(pause) {
		var got int
		err := control(c, func(fd int) (err error) {
			got, _, err = unix.Recvfrom(fd, buf, unix.MSG_PEEK|unix.MSG_DONTWAIT)
			return err
		})
		switch {
		case err != nil && !errors.Is(err, unix.EAGAIN):
			return fmt.Errorf("peek at socket: %w", err)
		case err == nil && got == n:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("await %d bytes: only %d after %s", n, max(got, 0), limit)
		}
	}
}

// control runs f on a connection's descriptor.
func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("get descriptor: %w", err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return fmt.Errorf("get descriptor: %w", err)
	}
	return inner
}
