package fionread

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Loop is an edge-triggered event loop that reads as nginx does (since 1.17.5,
// ngx_unix_recv): after a read that filled the buffer it asks FIONREAD, and
// where that says 0 it reads no more until epoll tells of new data. If FIONREAD
// lied, there is none: the peer has sent everything and waits for an answer.
type Loop struct {
	buffer int
	ask    func(fd int) (int, error)
	epoll  int
	open   []*Stream // not complete yet
	all    []*Stream
}

// Stream is one connection's share.
type Stream struct {
	Got []byte // what has been read

	want int
	fd   int // a duplicate of the loop's own
}

// NewLoop makes a loop with a buffer of so many bytes for each read.
func NewLoop(buffer int) (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make event loop: %w", err)
	}
	return &Loop{buffer: buffer, ask: ask, epoll: fd}, nil
}

// Close lets go of the loop's descriptors.
func (l *Loop) Close() error {
	errs := []error{unix.Close(l.epoll)}
	for _, s := range l.all {
		errs = append(errs, unix.Close(s.fd))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close event loop: %w", err)
	}
	return nil
}

// Add has the loop read a message of so many bytes from a connection.
func (l *Loop) Add(c syscall.Conn, want int) (*Stream, error) {
	s := &Stream{want: want}
	err := control(c, func(fd int) (err error) { s.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); return err })
	if err != nil {
		return nil, fmt.Errorf("add to event loop: %w", err)
	}
	l.all = append(l.all, s)
	event := &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(len(l.all) - 1)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, s.fd, event); err != nil {
		return nil, fmt.Errorf("add to event loop: %w", err)
	}
	l.open = append(l.open, s)
	return s, nil
}

// Run reads until every message is complete, or epoll has been silent for so
// long, and returns those that are not complete.
func (l *Loop) Run(silence time.Duration) ([]*Stream, error) {
	events := make([]unix.EpollEvent, 64)
	for deadline := time.Now().Add(silence); len(l.open) > 0; {
		left := time.Until(deadline).Milliseconds()
		if left < 0 {
			break
		}
		n, err := unix.EpollWait(l.epoll, events, int(left)+1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("wait for events: %w", err)
		}
		for _, e := range events[:n] {
			if err := l.ready(l.all[e.Fd]); err != nil {
				return nil, err
			}
		}
		if n > 0 {
			deadline = time.Now().Add(silence)
		}
		l.forget()
	}
	return l.open, nil
}

// forget drops the complete ones.
func (l *Loop) forget() {
	var open []*Stream
	for _, s := range l.open {
		if len(s.Got) < s.want {
			open = append(open, s)
		}
	}
	l.open = open
}

// ready reads what FIONREAD admits to. A read that did not fill the buffer has
// taken everything.
func (l *Loop) ready(s *Stream) error {
	const unknown = -1
	buf := make([]byte, l.buffer)
	for available := unknown; available != 0 && len(s.Got) < s.want; {
		n, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
		}
		s.Got = append(s.Got, buf[:n]...)
		switch {
		case available > 0:
			available = max(0, available-n)
		case n < len(buf):
			available = 0
		default:
			if available, err = l.ask(s.fd); err != nil {
				return err
			}
		}
	}
	return nil
}
