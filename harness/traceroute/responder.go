package traceroute

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/netlab"
)

// Responder is a router that answers a packet whose TTL runs out by FRAG_NEEDED
// in place of TIME_EXCEEDED, as some do. Linux does not: it looks at the TTL
// first. So its own answers are held back, and these are sent by hand.
type Responder struct {
	host    *netlab.Host
	packets *os.File      // AF_PACKET, on one device
	errors  *net.IPConn   // ICMP
	done    chan struct{} // closed when it has ended
	failed  error         // of sending, once done is closed
}

// FragNeeded makes a host's answers to packets that come in on its device
// FRAG_NEEDED, with this MTU.
func FragNeeded(h *netlab.Host, mtu uint16) (*Responder, error) {
	r := &Responder{host: h, done: make(chan struct{})}
	err := h.LimitICMP(1 << TypeTimeExceeded)
	if err == nil {
		err = h.Do(r.open)
	}
	if err != nil {
		return nil, fmt.Errorf("answer by FRAG_NEEDED in netns %s: %w", h.Name, err)
	}
	go r.run(mtu)
	return r, nil
}

func (r *Responder) open() error {
	device, err := net.InterfaceByName(r.host.Device)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	r.packets = os.NewFile(uintptr(fd), "packets of "+r.host.Device)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_IP), Ifindex: device.Index}); err != nil {
		return errors.Join(err, r.packets.Close())
	}
	if r.errors, err = net.ListenIP("ip4:icmp", &net.IPAddr{IP: r.host.V4.AsSlice()}); err != nil {
		return errors.Join(err, r.packets.Close())
	}
	return nil
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 } // on x86-64

func (r *Responder) run(mtu uint16) {
	defer close(r.done)
	buf := make([]byte, 2048)
	for {
		n, err := r.packets.Read(buf)
		if err != nil {
			return // Close
		}
		if !running(buf[:n]) {
			continue
		}
		if _, err := r.errors.WriteTo(fragNeeded(buf[:n], mtu), &net.IPAddr{IP: buf[12:16]}); err != nil {
			r.failed = err
			return
		}
	}
}

// Close gives the answers back to the kernel.
func (r *Responder) Close() error {
	err := errors.Join(r.packets.SetReadDeadline(time.Unix(1, 0)))
	<-r.done
	return errors.Join(err, r.failed, r.packets.Close(), r.errors.Close(), r.host.LimitICMP(0))
}
