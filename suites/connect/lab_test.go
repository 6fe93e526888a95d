package connect

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// serverAddr is where connects succeed.
func serverAddr() netip.AddrPort { return netip.AddrPortFrom(pair.Server.V4, openPort) }

// listen listens until the spec ends. Nobody accepts unless the caller does: the
// kernel completes handshakes. It is a TCP socket, not an MPTCP one.
func listen(h *netlab.Host, at netip.AddrPort) net.Listener {
	GinkgoHelper()
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	var l net.Listener
	Expect(h.Do(func() (err error) {
		l, err = config.Listen(context.Background(), "tcp", at.String())
		return err
	})).To(Succeed())
	DeferCleanup(func() { l.Close() })
	return l
}

// timeout has the kernel give up after one retry: ETIMEDOUT 1.5 s after the
// first SYN (tcp(7), TCP_USER_TIMEOUT).
func timeout(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1500)
}

// abortOnClose leaves no TIME_WAIT behind.
func abortOnClose(fd int) error {
	return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// onlyPort is the one that the kernel may choose while ports are occupied.
const onlyPort = 41001

// occupyPorts leaves the kernel a single port to choose from, which another
// socket is bound to.
func occupyPorts() (restore func()) {
	GinkgoHelper()
	ports := setSysctl(pair.Client, portRange, "41001 41001")
	fd := -1
	Expect(pair.Client.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, sockaddr(netip.AddrPortFrom(pair.Client.V4, onlyPort)))
	})).To(Succeed())
	return func() {
		Expect(unix.Close(fd)).To(Succeed())
		ports()
	}
}

const portRange = "ipv4/ip_local_port_range"

// setSysctl sets a value until restore is called.
func setSysctl(h *netlab.Host, name, value string) (restore func()) {
	GinkgoHelper()
	var was string
	Expect(h.Do(func() error {
		text, err := os.ReadFile("/proc/sys/net/" + name)
		was = strings.TrimSpace(string(text))
		return err
	})).To(Succeed())
	Expect(h.Sysctl(name, value)).To(Succeed())
	return func() { Expect(h.Sysctl(name, was)).To(Succeed()) }
}

func synRetries(h *netlab.Host) uint64 { return counter(h, "TcpExtTCPSynRetrans") }

// counter is one of a namespace's.
func counter(h *netlab.Host, name string) uint64 {
	GinkgoHelper()
	c, err := h.Counters()
	Expect(err).NotTo(HaveOccurred())
	Expect(c).To(HaveKey(name))
	return c[name]
}

// evidenceOf counts the trials of a spec without findings.
func evidenceOf(trials int) { evidence.NewTally().Watch().Trials(trials) }

// longEnough is for what ends by itself.
func longEnough() time.Duration { return evidence.Stretch(10 * time.Second) }
