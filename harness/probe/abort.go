package probe

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AbortOnClose makes Close send RST in place of FIN (SO_LINGER with 0 seconds, socket(7)).
func (c *Conn) AbortOnClose() error { return c.SetLinger(0) }

// Disconnect dissolves the association by connect(2) to AF_UNSPEC: the
// connection is reset, the socket stays.
func (c *Conn) Disconnect() error {
	err := control(c.TCPConn, func(fd int) error {
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
