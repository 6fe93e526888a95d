package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// channel carries one port's bytes from QEMU to a file of the VM's folder, and
// its lines to whoever follows them.
type channel struct {
	name string
	file *os.File
	socketPair

	onBytes func()
	onLine  func(line []byte)
	pending []byte
}

// lineLimit bounds what is kept of a line that does not end, in bytes.
const lineLimit = 1 << 20

// openChannel creates the file, and the sockets by join.
func openChannel(name, path string, join func(name string) (socketPair, error)) (*channel, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create channel file: %w", err)
	}
	pair, err := join(name)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &channel{name: name, file: file, socketPair: pair}, nil
}

func (c *channel) close() {
	c.file.Close()
	c.socketPair.close()
}

// endSuite asks PID 1, on its channel, to end the suite that runs (event.EndSuite).
// Whether it does is seen by what comes back.
func (c *channel) endSuite() error {
	if err := c.host.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("bound write to pid 1: %w", err)
	}
	if _, err := io.WriteString(c.host, event.EndSuite); err != nil {
		return fmt.Errorf("ask pid 1 to end the suite: %w", err)
	}
	return nil
}

// socketPair joins one of QEMU's character devices to this process.
type socketPair struct {
	host end
	qemu *os.File // closed here once QEMU has it; nil if QEMU connects by itself
}

// end is this process's end.
type end interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

func newSocketPair(name string) (socketPair, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return socketPair{}, fmt.Errorf("make sockets for %s: %w", name, err)
	}
	return socketPair{host: os.NewFile(uintptr(fds[0]), name), qemu: os.NewFile(uintptr(fds[1]), "qemu's "+name)}, nil
}

func (p socketPair) close() {
	p.host.Close()
	p.qemu.Close()
}

// copy runs until QEMU has closed its end. What cannot be written to the
// file is an error at once: evidence is being lost.
func (c *channel) copy() error {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.host.Read(buf)
		if n > 0 {
			c.onBytes()
			if _, err := c.file.Write(buf[:n]); err != nil {
				return fmt.Errorf("record %s: %w", c.name, err)
			}
			c.lines(buf[:n])
		}
		// The reset says that QEMU ended with bytes from us unread.
		if err == io.EOF || errors.Is(err, unix.ECONNRESET) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", c.name, err)
		}
	}
}

func (c *channel) lines(p []byte) {
	c.pending = append(c.pending, p...)
	for {
		line, rest, found := bytes.Cut(c.pending, []byte{'\n'})
		if !found {
			break
		}
		c.onLine(bytes.TrimRight(line, "\r"))
		c.pending = rest
	}
	if len(c.pending) > lineLimit {
		c.pending = nil // no record is so long, and the file has it
	}
}
