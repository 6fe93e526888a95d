package audit

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Narrow makes the socket's receive buffer as small as the kernel allows.
func (c *Client) Narrow() error {
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0); err != nil {
		return fmt.Errorf("narrow audit socket: %w", err)
	}
	return nil
}

// leastMessage is what the smallest message takes of a receive buffer, in bytes
// of kernel memory on x86-64: 256 for the sk_buff, 512 for its data.
const leastMessage = 768

// Full tells whether the receive buffer is full: whoever sends as little as can
// be has to wait (netlink_attachskb). Kernels that let a buffer overflow by one
// message may still take one.
func (c *Client) Full() (bool, error) {
	size, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return false, fmt.Errorf("ask for size of receive buffer: %w", err)
	}
	used, err := c.Queued()
	return used+leastMessage > size, err
}

// Queued is how much waits to be read, in bytes of kernel memory.
func (c *Client) Queued() (int, error) {
	table, err := os.ReadFile("/proc/net/netlink")
	if err != nil {
		return 0, fmt.Errorf("read netlink sockets: %w", err)
	}
	return queued(string(table), unix.NETLINK_AUDIT, c.port)
}

// queued finds in /proc/net/netlink how many bytes wait to be read from a
// socket, by protocol and port.
func queued(table string, protocol int, port uint32) (int, error) {
	for line := range strings.Lines(table) {
		f := strings.Fields(line) // sk Eth Pid Groups Rmem …
		if len(f) > 4 && f[1] == strconv.Itoa(protocol) && f[2] == strconv.FormatUint(uint64(port), 10) {
			n, err := strconv.Atoi(f[4])
			if err != nil {
				return 0, fmt.Errorf("parse netlink sockets: %w", err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("find netlink socket %d: not in /proc/net/netlink", port)
}

// Drain reads until nothing is left, and returns how many messages there were.
func (c *Client) Drain() (n int, err error) {
	buf := make([]byte, 16<<10)
	for {
		_, _, err := unix.Recvfrom(c.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return n, nil
		case errors.Is(err, unix.ENOBUFS): // once, after the buffer overflowed
		case err != nil:
			return n, fmt.Errorf("drain audit socket: %w", err)
		default:
			n++
		}
	}
}
