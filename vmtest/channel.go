package vmtest

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// channel carries one port's bytes from QEMU to a file of the VM's folder, and
// its lines to whoever follows them.
type channel struct {
	name string
	file *os.File
	out  *os.File // end that QEMU writes; closed here once QEMU has it
	in   *os.File

	onBytes func()
	onLine  func(line []byte)
	pending []byte
}

// lineLimit bounds what is kept of a line that does not end, in bytes.
const lineLimit = 1 << 20

// openChannel creates the file and the pipe.
func openChannel(name, path string) (*channel, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create channel file: %w", err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("make pipe for %s: %w", name, err)
	}
	return &channel{name: name, file: file, in: in, out: out}, nil
}

func (c *channel) close() {
	c.file.Close()
	c.in.Close()
	c.out.Close()
}

// copy runs until the pipe has no writer left. What cannot be written to the
// file is an error at once: evidence is being lost.
func (c *channel) copy() error {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.in.Read(buf)
		if n > 0 {
			c.onBytes()
			if _, err := c.file.Write(buf[:n]); err != nil {
				return fmt.Errorf("record %s: %w", c.name, err)
			}
			c.lines(buf[:n])
		}
		if err == io.EOF {
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
