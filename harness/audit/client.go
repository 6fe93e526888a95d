// Package audit speaks to the kernel's audit subsystem over netlink (audit(7),
// linux/audit.h), as an audit daemon does: it asks for the status, sets parts of
// it, registers as the daemon, and sends records of user space. It needs
// CAP_AUDIT_CONTROL in the initial user and process namespaces.
//
//	c, err := audit.Open()
//	status, err := c.Get()
//	err = c.Set(audit.Pid, audit.Status{Pid: uint32(os.Getpid())})  // the daemon is c from here on
package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Message types.
const (
	typeGet  = 1000
	typeSet  = 1001
	typeUser = 1100 // the first that user space may use as it likes
)

// What of a Status is set.
const (
	Enabled         = 1 << 0
	Pid             = 1 << 2
	BacklogLimit    = 1 << 4
	BacklogWaitTime = 1 << 5
)

// Status is struct audit_status, as far as every kernel since 3.14 has it.
type Status struct {
	Mask            uint32
	Enabled         uint32
	Failure         uint32
	Pid             uint32 // of the daemon; 0: there is none
	RateLimit       uint32
	BacklogLimit    uint32 // records
	Lost            uint32
	Backlog         uint32
	Features        uint32
	BacklogWaitTime uint32 // jiffies
}

// Client is a netlink socket. It is for one goroutine.
type Client struct {
	fd   int
	port uint32
	seq  uint32
}

// Open opens a socket; close it.
func Open() (*Client, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, fmt.Errorf("open audit socket: %w", err)
	}
	c := &Client{fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("bind audit socket: %w", err), c.Close())
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("name audit socket: %w", err), c.Close())
	}
	c.port = own.(*unix.SockaddrNetlink).Pid
	return c, nil
}

// Close closes the socket; once more does no harm. If it was the daemon, there
// is none any more as soon as the kernel has something to send to it.
func (c *Client) Close() error {
	fd := c.fd
	c.fd = -1
	if fd < 0 {
		return nil
	}
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close audit socket: %w", err)
	}
	return nil
}

// Timeout bounds how long Get and Set wait for an answer; how long the kernel
// takes to accept the request it does not bound.
func (c *Client) Timeout(d time.Duration) error {
	t := unix.NsecToTimeval(d.Nanoseconds())
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &t); err != nil {
		return fmt.Errorf("set time limit of audit socket: %w", err)
	}
	return nil
}

// Get asks for the status.
func (c *Client) Get() (s Status, err error) {
	if err := c.send(typeGet, unix.NLM_F_REQUEST, nil); err != nil {
		return s, fmt.Errorf("get audit status: %w", err)
	}
	data, err := c.receive(typeGet)
	if err != nil {
		return s, fmt.Errorf("get audit status: %w", err)
	}
	whole := make([]byte, binary.Size(s))
	copy(whole, data)
	_, err = binary.Decode(whole, binary.NativeEndian, &s)
	return s, err
}

// Set sets those parts of the status that the mask names.
func (c *Client) Set(mask uint32, s Status) error {
	s.Mask = mask
	data, err := binary.Append(nil, binary.NativeEndian, s)
	if err != nil {
		return fmt.Errorf("encode audit status: %w", err)
	}
	if err := c.send(typeSet, unix.NLM_F_REQUEST|unix.NLM_F_ACK, data); err != nil {
		return fmt.Errorf("set audit status: %w", err)
	}
	if _, err := c.receive(unix.NLMSG_ERROR); err != nil {
		return fmt.Errorf("set audit status: %w", err)
	}
	return nil
}

// User sends a record of user space, and waits for no answer.
func (c *Client) User(text string) error {
	if err := c.send(typeUser, unix.NLM_F_REQUEST, []byte(text)); err != nil {
		return fmt.Errorf("send audit record: %w", err)
	}
	return nil
}

func (c *Client) send(kind, flags uint16, data []byte) error {
	c.seq++
	m := message{kind: kind, flags: flags, seq: c.seq, data: data}
	return unix.Sendto(c.fd, m.bytes(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// receive waits for a message of a kind that answers the last request; an error
// that the kernel answers is returned.
func (c *Client) receive(kind uint16) ([]byte, error) {
	buf := make([]byte, 16<<10)
	for {
		n, _, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		m, err := parse(buf[:n])
		if err != nil {
			return nil, err
		}
		if m.seq != c.seq {
			continue // a record for the daemon, or an answer that came too late
		}
		if m.kind == unix.NLMSG_ERROR {
			if errno := m.errno(); errno != 0 {
				return nil, errno
			}
		}
		if m.kind == kind {
			return m.data, nil
		}
	}
}
