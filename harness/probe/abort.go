package probe

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AbortOnClose makes Close send RST in place of FIN (SO_LINGER with 0 seconds, socket(7)).
func (c *Conn) AbortOnClose() error { return c.SetLinger(0) }

// Disconnect dissolves a socket's association by connect(2) to AF_UNSPEC: a
// connection is reset, a listener stops to listen; the socket stays.
func Disconnect(c syscall.Conn) error {
	err := control(c, func(fd int) error {
		// x/sys has no Sockaddr for AF_UNSPEC.
		unspec := unix.RawSockaddr{Family: unix.AF_UNSPEC}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspec)), unsafe.Sizeof(unspec))
		if errno != 0 {
			return errno
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("connect to AF_UNSPEC: %w", err)
	}
	return nil
}
