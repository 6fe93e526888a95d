// Package traceroute finds the hops of a route, as traceroute(8) and mtr(8) do:
// by packets whose TTL runs out on the way. It needs no raw socket. The kernel
// hands each socket the ICMP errors that its own packets caused (IP_RECVERR,
// ip(7)), and so a probe also tells what an application's socket would see of
// them. IPv4 alone.
package traceroute

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/netlab"
)

// Protocol is what a probe is made of.
type Protocol string

// Protocols.
const (
	TCP  Protocol = "TCP"  // a SYN, by connect(2)
	UDP  Protocol = "UDP"  // an empty datagram
	ICMP Protocol = "ICMP" // an echo request; needs leave by the sysctl ping_group_range
)

// Probe is one packet to be sent.
type Probe struct {
	Protocol Protocol
	To       netip.AddrPort // of ICMP the address alone
	Source   uint16         // port; of ICMP the echo request's identifier. 0: the kernel chooses
	TTL      int
}

// Answer is what a probe's socket sees of it.
type Answer struct {
	From       netip.Addr // who answered
	Arrived    bool       // the target did
	Type, Code uint8      // of the ICMP error, if it was one
	Errno      syscall.Errno
	MTU        int // of FRAG_NEEDED
}

// Silent tells whether there was no answer at all.
func (a Answer) Silent() bool { return !a.From.IsValid() }

func (a Answer) String() string {
	switch {
	case a.Silent():
		return "no answer"
	case a.Type != 0:
		return fmt.Sprintf("%s: ICMP type %d code %d, %s", a.From, a.Type, a.Code, unix.ErrnoName(a.Errno))
	}
	return a.From.String() + ": arrived"
}

// Trace sends probes of growing TTL until one arrives, at most so many, and
// waits for each answer.
func (p Probe) Trace(from *netlab.Host, hops int, wait time.Duration) ([]Answer, error) {
	var answers []Answer
	for p.TTL = 1; p.TTL <= hops; p.TTL++ {
		a, err := p.Do(from, wait)
		if err != nil {
			return answers, err
		}
		answers = append(answers, a)
		if a.Arrived {
			break
		}
	}
	return answers, nil
}

// Do sends the probe and waits for its answer.
func (p Probe) Do(from *netlab.Host, wait time.Duration) (Answer, error) {
	s, err := p.Send(from)
	if err != nil {
		return Answer{}, err
	}
	defer s.Close()
	return s.Await(wait)
}
