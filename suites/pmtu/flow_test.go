package pmtu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// flow is an established connection, both ends in this process.
type flow struct {
	from           *netlab.Host
	client, server *net.TCPConn
	mss            int // that the client cuts segments by
}

// connect connects to an address that the listener gets connections for.
// Of the socket's options Go sets TCP_NODELAY alone; control may set more.
func connect(from *netlab.Host, l *net.TCPListener, to netip.AddrPort, control func(fd int) error) *flow {
	GinkgoHelper()
	dialer := net.Dialer{
		Timeout: evidence.Stretch(timeout),
		Control: func(_, _ string, raw syscall.RawConn) error {
			var inner error
			err := raw.Control(func(fd uintptr) { inner = control(int(fd)) })
			return errors.Join(err, inner)
		},
	}
	f := &flow{from: from}
	Expect(from.Do(func() error {
		c, err := dialer.DialContext(context.Background(), "tcp", to.String())
		if err != nil {
			return err
		}
		f.client = c.(*net.TCPConn)
		return nil
	})).To(Succeed())
	Expect(l.SetDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	f.server = must(l.AcceptTCP())
	f.mss = int(f.info().Snd_mss)
	return f
}

func (f *flow) close() {
	f.client.Close()
	f.server.Close()
}

func (f *flow) info() (info *unix.TCPInfo) {
	GinkgoHelper()
	raw := must(f.client.SyscallConn())
	var inner error
	Expect(raw.Control(func(fd uintptr) {
		info, inner = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})).To(Succeed())
	Expect(inner).NotTo(HaveOccurred())
	return info
}

// sending is what became of one write.
type sending struct {
	bytes       int
	first, last time.Duration // from write(2) until they could be read at the other end

	// The client's socket right after write(2).
	unsent   uint32 // bytes that were never sent
	inFlight uint32 // segments
	timer    string // as ss -o writes it

	grown netlab.Counters // of the client's namespace, from before the write until the last byte
}

// stalled tells whether the socket held data back with nothing in flight, so
// that no ACK could set it going again.
func (s sending) stalled() bool { return s.unsent > 0 && s.inFlight == 0 }

func (s sending) String() string {
	text := fmt.Sprintf("write of %d bytes: first byte after %s, last after %s; after write(2) %d bytes unsent, %d segments in flight, timer %s",
		s.bytes, ms(s.first), ms(s.last), s.unsent, s.inFlight, s.timer)
	for _, name := range telling {
		if n := s.grown[name]; n > 0 {
			text += fmt.Sprintf(", %s +%d", name, n)
		}
	}
	return text
}

// telling are the counters by which one finds out what happened.
var telling = []string{
	"IpFragFails", "Ip6FragFails", "IcmpOutDestUnreachs", "IcmpInDestUnreachs",
	"TcpExtOutOfWindowIcmps", "TcpRetransSegs",
}

// send writes so many bytes and waits until they have arrived.
func (f *flow) send(bytes int) sending {
	GinkgoHelper()
	before := must(f.from.Counters())
	Expect(f.server.SetDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	arrived := make(chan arrival, 1)
	go func() { arrived <- receive(f.server, bytes) }()
	start := time.Now()
	must(f.client.Write(make([]byte, bytes)))
	info := f.info()
	timer := f.timer()
	a := <-arrived
	Expect(a.err).NotTo(HaveOccurred(), "after a write of %d bytes: %d unsent, %d segments in flight, timer %s", bytes, info.Notsent_bytes, info.Unacked, timer)
	return sending{
		bytes: bytes, first: a.first.Sub(start), last: a.last.Sub(start),
		unsent: info.Notsent_bytes, inFlight: info.Unacked, timer: timer,
		grown: must(f.from.Counters()).Since(before),
	}
}

type arrival struct {
	first, last time.Time
	err         error
}

func receive(c net.Conn, bytes int) (a arrival) {
	buf := make([]byte, bytes)
	if _, a.err = io.ReadFull(c, buf[:1]); a.err != nil {
		return a
	}
	a.first = time.Now()
	_, a.err = io.ReadFull(c, buf[1:])
	a.last = time.Now()
	return a
}

// timer asks sock_diag(7) which timer of the client's socket is running.
func (f *flow) timer() string {
	GinkgoHelper()
	var s *netlink.Socket
	Expect(f.from.Do(func() (err error) {
		s, err = netlink.SocketGet(f.client.LocalAddr(), f.client.RemoteAddr())
		return err
	})).To(Succeed())
	names := map[uint8]string{0: "none", 1: "on", 2: "keepalive", 3: "timewait", 4: "persist"}
	if s.Timer == 0 {
		return names[0]
	}
	return fmt.Sprintf("%s for %d ms", names[s.Timer], s.Expires)
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
