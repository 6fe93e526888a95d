package connect

import (
	"fmt"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
)

// attempt is one call of connect(2), which net.Dialer may make several of.
type attempt struct {
	fd            int
	from          *netlab.Host
	local, remote netip.AddrPort // local: port 0 if it got none
	began, ended  float64        // seconds since boot
	err           error          // nil: connected, or under way
	gaveUp        bool           // closed while it waited
}

func (a *attempt) String() string {
	how := "connected"
	switch {
	case a.gaveUp:
		how = "given up"
	case a.err != nil:
		how = a.err.Error()
	}
	return fmt.Sprintf("%s > %s: %s", a.local, a.remote, how)
}

// start calls connect(2) and does not wait for the answer. Port 0 is the
// kernel's choice, as is the address. Options are set before.
func start(from *netlab.Host, local, remote netip.AddrPort, options ...func(fd int) error) *attempt {
	GinkgoHelper()
	a := &attempt{from: from, remote: remote}
	Expect(from.Do(func() (err error) {
		family := unix.AF_INET
		if remote.Addr().Is6() {
			family = unix.AF_INET6
		}
		a.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return err
	})).To(Succeed())
	if local.IsValid() {
		options = append(options, func(fd int) error { return bind(fd, local) })
	}
	for _, set := range options {
		Expect(set(a.fd)).To(Succeed())
	}
	a.began = event.Now()
	a.err = unix.Connect(a.fd, sockaddr(remote))
	a.ended = event.Now()
	if a.err == unix.EINPROGRESS {
		a.err, a.ended = nil, 0
	}
	a.local = localOf(a.fd)
	return a
}

// wait gives up after a while: it closes the socket.
func (a *attempt) wait(limit time.Duration) *attempt {
	GinkgoHelper()
	if a.ended != 0 {
		return a
	}
	if !writable(a.fd, limit) {
		a.giveUp()
		return a
	}
	errno, err := unix.GetsockoptInt(a.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	Expect(err).NotTo(HaveOccurred())
	if a.ended = event.Now(); errno != 0 {
		a.err = unix.Errno(errno)
	}
	return a
}

func (a *attempt) giveUp() {
	a.close()
	a.gaveUp, a.ended = true, event.Now()
}

func (a *attempt) connected() bool { return a.err == nil && !a.gaveUp && a.ended != 0 }

// errno is 0 if the client gave up, or connected.
func (a *attempt) errno() unix.Errno {
	errno, _ := a.err.(unix.Errno)
	return errno
}

// close is harmless when it has been called before.
func (a *attempt) close() {
	GinkgoHelper()
	if a.fd >= 0 {
		Expect(unix.Close(a.fd)).To(Succeed())
	}
	a.fd = -1
}

// writable waits until a socket is connected or has failed.
func writable(fd int, limit time.Duration) bool {
	GinkgoHelper()
	for end := time.Now().Add(limit); ; {
		left := max(time.Until(end), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(left.Milliseconds())+1)
		if err != unix.EINTR {
			Expect(err).NotTo(HaveOccurred())
			return n > 0
		}
	}
}

func bind(fd int, local netip.AddrPort) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Bind(fd, sockaddr(local))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

func localOf(fd int) netip.AddrPort {
	GinkgoHelper()
	sa, err := unix.Getsockname(fd)
	Expect(err).NotTo(HaveOccurred())
	if sa, ok := sa.(*unix.SockaddrInet6); ok {
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	v4 := sa.(*unix.SockaddrInet4)
	return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), uint16(v4.Port))
}
