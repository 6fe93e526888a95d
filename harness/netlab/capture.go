package netlab

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Capture collects the TCP segments that pass a device, both ways, through an
// AF_PACKET socket (packet(7)).
type Capture struct {
	fd       int
	stop     chan struct{} // closed to ask the reader to finish
	finished chan struct{} // closed by the reader, after which the rest may be read

	segments []Segment
	err      error
}

// captureBuffer is the socket's receive buffer in bytes. The kernel doubles it.
const captureBuffer = 4 << 20

// Capture starts capturing on the host's device.
func (h *Host) Capture() (*Capture, error) {
	c := &Capture{stop: make(chan struct{}), finished: make(chan struct{})}
	err := h.Do(func() (err error) {
		c.fd, err = openPacketSocket(h.Device)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("capture on %s in netns %s: %w", h.Device, h.Name, err)
	}
	go c.read()
	return c, nil
}

func openPacketSocket(device string) (int, error) {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return -1, err
	}
	all := int(htons(unix.ETH_P_ALL))
	// SOCK_DGRAM: without the link header. Bound at once to one device.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	// The timeout bounds how long Stop waits for the reader.
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuffer),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: dev.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// Stop ends the capture and returns what passed, in order. Segments that the
// kernel had to drop for want of buffer are an error: the count would be wrong.
func (c *Capture) Stop() ([]Segment, error) {
	close(c.stop)
	<-c.finished
	defer unix.Close(c.fd)
	if c.err != nil {
		return c.segments, c.err
	}
	stats, err := unix.GetsockoptTpacketStats(c.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return c.segments, fmt.Errorf("read packet statistics: %w", err)
	}
	if stats.Drops > 0 {
		return c.segments, fmt.Errorf("capture lost %d packets", stats.Drops)
	}
	return c.segments, nil
}

// read runs until Stop, and then until the socket has been empty for one timeout.
func (c *Capture) read() {
	defer close(c.finished)
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(c.fd, buf)
		switch {
		case err == nil:
			if s, err := ParseSegment(buf[:n]); err == nil { // else ARP, neighbour discovery, ICMP
				c.segments = append(c.segments, s)
			}
		case err == unix.EAGAIN && closed(c.stop):
			return
		case err != unix.EAGAIN && err != unix.EINTR:
			c.err = fmt.Errorf("read packet socket: %w", err)
			return
		}
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
