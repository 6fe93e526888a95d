package handshake

import (
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// judgeAccepted finds the checks that the server accepted.
func judgeAccepted(t *evidence.Tally, checks []check, accepted []uint16) {
	for _, c := range checks {
		if slices.Contains(accepted, c.port) {
			t.Found(c.trial, event.Changed, "port %d: accepted, though the client reset it within %s", c.port, c.ended-c.began)
		}
	}
}

// judgeWire finds the checks that were anything else than SYN, SYN-ACK, RST.
func (b *bench) judgeWire(t *evidence.Tally, checks []check) {
	GinkgoHelper()
	for _, c := range checks {
		if flags := b.flags(c.port, c.began, event.Uptime()); flags != "S S. R." {
			t.Found(c.trial, event.Changed, "port %d: segments %s on the wire, want S S. R.", c.port, flags)
		}
	}
}

// flags are those of the segments between a client's port and the server.
func (b *bench) flags(port uint16, since, until time.Duration) string {
	GinkgoHelper()
	packets, err := b.capture.Of(b.client(port), b.server(), since, until)
	Expect(err).NotTo(HaveOccurred())
	var flags []string
	for _, p := range packets {
		flags = append(flags, p.Flags)
	}
	return strings.Join(flags, " ")
}

// judgeLeft finds the checks of which a host has a socket left: in SYN_RECV,
// FIN_WAIT2, TIME_WAIT or any other state. The client has none as soon as close
// returns; the server may have to process the reset first.
func (b *bench) judgeLeft(t *evidence.Tally, h *netlab.Host, checks []check) {
	GinkgoHelper()
	sockets := b.sockets(h)
	for _, c := range checks {
		client := b.client(c.port)
		for _, s := range sockets {
			if s.Local == client || s.Remote == client {
				t.Found(c.trial, event.Changed, "port %d: the %s has %s left", c.port, h.Name, s)
			}
		}
	}
}

func (b *bench) sockets(h *netlab.Host) []probe.Socket {
	GinkgoHelper()
	var sockets []probe.Socket
	Expect(h.Do(func() (err error) {
		sockets, err = probe.Sockets(b.v6)
		return err
	})).To(Succeed())
	return sockets
}

// judgePort finds the checks from whose source port the next one cannot bind
// and connect at once.
func (b *bench) judgePort(t *evidence.Tally, checks []check) {
	GinkgoHelper()
	for _, c := range checks {
		again, err := b.dial(c.port, halfOpen)
		if err != nil {
			t.Found(c.trial, event.NotAccepted, "port %d cannot be used again: %v", c.port, err)
			continue
		}
		Expect(again.Close()).To(Succeed())
	}
}

// counters are the server's.
func (b *bench) counters() netlab.Counters {
	GinkgoHelper()
	c, err := lab.Server.Counters()
	Expect(err).NotTo(HaveOccurred())
	return c
}
