package sockmap

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/lab"
	"github.com/krepro/krepro/harness/probe"
)

// Every way in which the kernel destroys a connection that nobody accepted: no
// close() is called for its socket. None may leave an entry; an affected kernel
// leaves one for each child that there was.
var _ = DescribeTable("unaccepted connections leave no entry after", Label("path"),
	func(connections int, end func(b *bench)) {
		b := newBench(cilium)
		end(b)
		b.Trials(connections)
		b.finish()
	},
	Entry("close of the listener", 1, func(b *bench) { b.abandon(1) }),
	Entry("close of the listener, with data unread", 3, func(b *bench) {
		listener := b.listen()
		conns := b.dial(3)
		for _, c := range conns {
			Expect(c.Write([]byte("unread"))).To(Equal(6))
		}
		Expect(listener.Close()).To(Succeed())
		closeAll(conns)
	}),
	Entry("shutdown(SHUT_RD) of the listener", 1, func(b *bench) {
		b.stopListening(func(listener *net.TCPListener) error {
			return onSocket(listener, func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
		})
	}),
	Entry("connect(AF_UNSPEC) of the listener", 1, func(b *bench) {
		b.stopListening(func(listener *net.TCPListener) error { return probe.Disconnect(listener) })
	}),
	Entry("SOCK_DESTROY (ss -K) of the listener", 1, func(b *bench) {
		b.stopListening(func(listener *net.TCPListener) error {
			return destroy(addrOf(listener), netip.AddrPort{})
		})
	}),
	Entry("close of a listener whose backlog of 1 has overflowed", 5, func(b *bench) { b.overflow(5) }),
	Entry("close of the listener, opened by TCP Fast Open", 1, func(b *bench) { b.fastOpen() }),
	Entry("the client's reset, then close of the listener", 1, func(b *bench) {
		listener := b.listen()
		conns := b.dial(1)
		client, _ := conns[0].Addrs()
		resetAll(conns)
		awaitUnlisted(client)
		Expect(listener.Close()).To(Succeed())
	}),
	Entry("SOCK_DESTROY (ss -K) of the connection, then close of the listener", 1, func(b *bench) {
		listener := b.listen()
		conns := b.dial(1)
		client, server := conns[0].Addrs()
		Expect(destroy(server, client)).To(Succeed())
		awaitUnlisted(client)
		Expect(listener.Close()).To(Succeed())
		closeAll(conns)
	}),
)

// stopListening has a listener that holds a connection stop to listen in some
// way, and closes both.
func (b *bench) stopListening(how func(*net.TCPListener) error) {
	GinkgoHelper()
	listener := b.listen()
	conns := b.dial(1)
	Expect(how(listener)).To(Succeed())
	Expect(listener.Close()).To(Succeed())
	closeAll(conns)
}

// overflow connects n times to a listener with a backlog of 1, which takes two
// connections: the kernel drops the other SYNs, and those make no socket.
func (b *bench) overflow(n int) {
	GinkgoHelper()
	const taken = 2
	listener := b.listen()
	Expect(onSocket(listener, func(fd int) error { return unix.Listen(fd, taken-1) })).To(Succeed())
	conns := b.dial(taken)
	before, err := pod1().Counters()
	Expect(err).NotTo(HaveOccurred())
	for i := taken; i < n; i++ {
		b.knock(rawPort + uint16(i))
	}
	Eventually(func() (uint64, error) {
		now, err := pod1().Counters()
		return now.Since(before)["TcpExtListenOverflows"], err
	}).WithTimeout(evidence.Stretch(timeout)).Should(BeNumerically(">=", n-taken))
	Expect(listener.Close()).To(Succeed())
	closeAll(conns)
}

// rawPort is the first source port of connections that are made by hand, without
// the prober's care for ports that others have just left.
const rawPort = lab.FirstPort + 1500

// knock begins to connect from a port of the node; the spec's end closes it.
func (b *bench) knock(from uint16) {
	GinkgoHelper()
	Expect(node().Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		DeferCleanup(func() error { return unix.Close(fd) })
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: node().V4.As4(), Port: int(from)}); err != nil {
			return err
		}
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: pod1().V4.As4(), Port: port})
		if errors.Is(err, unix.EINPROGRESS) {
			return nil
		}
		return err
	})).To(Succeed())
}

// Bits of net/ipv4/tcp_fastopen (Documentation/networking/ip-sysctl.rst).
const (
	fastOpenClient = "5"    // send data with the SYN, also without a cookie
	fastOpenServer = "1538" // take it, also without a cookie, on every listener
	fastOpenUsual  = "1"
)

// fastOpen makes a connection whose server's socket is there, and in the map,
// before the handshake is over; nobody accepts it.
func (b *bench) fastOpen() {
	GinkgoHelper()
	const sysctl = "ipv4/tcp_fastopen"
	for host, value := range map[interface {
		Sysctl(name, value string) error
	}]string{node(): fastOpenClient, pod1(): fastOpenServer} {
		Expect(host.Sysctl(sysctl, value)).To(Succeed())
		DeferCleanup(host.Sysctl, sysctl, fastOpenUsual)
	}
	listener := b.listen()
	before, err := pod1().Counters()
	Expect(err).NotTo(HaveOccurred())
	updates, err := l.Updates()
	Expect(err).NotTo(HaveOccurred())

	client := b.openFast(rawPort, "early")
	Expect(l.AwaitUpdates(updates + 2)).To(Succeed())
	after, err := pod1().Counters()
	Expect(err).NotTo(HaveOccurred())
	Expect(after.Since(before)).To(HaveKeyWithValue("TcpExtTCPFastOpenPassive", uint64(1)), "the handshake was an ordinary one")
	Expect(listener.Close()).To(Succeed())
	Expect(client.Close()).To(Succeed())
}

// openFast connects from a port of the node, data in its SYN.
func (b *bench) openFast(from uint16, data string) net.Conn {
	GinkgoHelper()
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(node().V4, from)),
		Timeout:   evidence.Stretch(timeout),
		Control: func(_, _ string, raw syscall.RawConn) (err error) {
			if e := raw.Control(func(fd uintptr) {
				err = errors.Join(
					unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
					unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1),
				)
			}); e != nil {
				return e
			}
			return err
		},
	}
	var c net.Conn
	Expect(node().Do(func() (err error) {
		if c, err = d.Dial("tcp", netip.AddrPortFrom(pod1().V4, port).String()); err != nil {
			return err
		}
		_, err = c.Write([]byte(data))
		return err
	})).To(Succeed())
	DeferCleanup(func() { c.Close() })
	return c
}

// destroy ends a socket of pod1 from outside, where the kernel can.
func destroy(local, remote netip.AddrPort) error {
	GinkgoHelper()
	err := pod1().Do(func() error { return probe.Destroy(local, remote) })
	if errors.Is(err, unix.EOPNOTSUPP) {
		evidence.Untestable("SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)")
	}
	return err
}

// awaitUnlisted waits until the kernel finds no socket of pod1 any more that is
// connected to this client.
func awaitUnlisted(client netip.AddrPort) {
	GinkgoHelper()
	Eventually(func() (left []probe.Socket, err error) {
		err = pod1().Do(func() error {
			left, err = probe.Sockets(false)
			return err
		})
		return slices.DeleteFunc(left, func(s probe.Socket) bool { return s.Remote != client }), err
	}).WithTimeout(evidence.Stretch(timeout)).WithPolling(time.Millisecond).Should(BeEmpty())
}

func addrOf(listener *net.TCPListener) netip.AddrPort {
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// onSocket runs f with a socket's descriptor.
func onSocket(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = f(int(fd)) })
	return errors.Join(err, inner)
}
