// Package handshake asks whether a TCP health check can end within the handshake.
//
// A client with TCP_QUICKACK off delays the last ACK of the handshake, by 200 ms
// (TCP_DELACK_MAX). Closed within that time and with SO_LINGER 0, it sends a
// reset in the ACK's place: the server's accept never wakes, and the client's
// port is free at once. Load balancers rely on it.
//
// What does not happen is judged by order, not by waiting: a connection that
// begins after the checks, and whose own last ACK is delayed as theirs would
// have been, is the next one that the server accepts.
package handshake

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

func TestHandshake(t *testing.T) { evidence.Run(t, "handshake") }

const (
	port      = 8080
	firstPort = 40_000
	timeout   = 3 * time.Second // for what has to work

	// A check that took longer may have sent its delayed ACK: the guest was held
	// up, and the check tells nothing. The kernel's delay is twice that.
	prompt = 100 * time.Millisecond
)

// lab is a load balancer, the client, and a backend that it checks.
var lab *netlab.Pair

var _ = BeforeSuite(func() {
	var err error
	lab, err = netlab.NewPair()
	if errors.Is(err, unix.EOPNOTSUPP) {
		evidence.Untestable("veth (CONFIG_VETH; is the module loaded?)")
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(lab.Close)
})

// trials is how many checks a spec of this size makes.
func trials() int {
	switch evidence.Size() {
	case evidence.Quick:
		return 10
	case evidence.Soak:
		return 2000
	}
	return 100
}

var families = []TableEntry{
	Entry("over IPv4", Label("ipv4"), false),
	Entry("over IPv6", Label("ipv6"), true),
}
