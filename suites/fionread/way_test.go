package fionread

import (
	"bytes"
	"context"
	"net"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/fionread"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// way is how a message gets to its receiver in the pod, and what the receiver's
// socket is in meanwhile.
type way struct {
	name  string
	label string
	from  func() *netlab.Host // the sender
	// enter puts the receiver into a map, if the sockops program has not.
	enter func(p pair) error
	// holds checks, after so many messages, that they did take this way.
	holds func(messages int)
}

// ordinary is the control: it has to work on every kernel.
var ordinary = way{"in no map", "control", remote, nil, func(int) { expectRedirects(0) }}

var ways = []way{
	{"with sk_msg redirect", "redirect", node, nil, expectRedirects},
	{"in a map without a program", "no-verdict", remote,
		func(p pair) error { return hashes.Plain(p.to) },
		func(int) { expectRedirects(0) }},
	{"under sk_msg, the sender in no map", "no-verdict", remote, plant,
		func(messages int) {
			GinkgoHelper()
			expectRedirects(0)
			Expect(l.Accel.Entries()).To(HaveLen(messages), "receivers in the map of the sk_msg program")
		}},
	{"under an skb verdict program that passes all", "verdict", remote,
		func(p pair) error { return hashes.Passing(p.to) },
		func(messages int) {
			GinkgoHelper()
			expectRedirects(0)
			Expect(hashes.Passed()).To(Equal(passedBefore+uint64(messages*size)), "bytes that the verdict program saw")
		}},
}

// passedBefore is what the verdict program had let through when the spec began.
var passedBefore uint64

func expectRedirects(n int) {
	GinkgoHelper()
	c, err := l.Accel.Counters()
	Expect(err).NotTo(HaveOccurred())
	Expect(c).To(Equal(accel.Counters{Inserted: 2 * uint64(n), Redirected: uint64(n)}), "each message is redirected, or none")
}

// plant enters a receiver into the sockhash of the sk_msg program.
func plant(p pair) error {
	raw, err := p.to.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		inner = l.Accel.Plant(accel.KeyOf(address(p.to.LocalAddr()), address(p.to.RemoteAddr())), fd)
	})
	if err != nil {
		return err
	}
	return inner
}

func address(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// pair are the two ends of a connection.
type pair struct{ from, to *net.TCPConn }

// begin empties the map and has the sockops program enter node and pod.
func begin() {
	GinkgoHelper()
	Expect(l.Accel.Reset()).To(Succeed())
	Expect(l.Accel.Configure(accel.Config{Flags: accel.NoExist, Redirect: true})).To(Succeed())
	var err error
	passedBefore, err = hashes.Passed()
	Expect(err).NotTo(HaveOccurred())
}

// connect makes n connections that are ready for their message.
func (w way) connect(v6 bool, n int) []pair {
	GinkgoHelper()
	listener, err := probe.Listen(pod(), v6, port)
	Expect(err).NotTo(HaveOccurred())
	defer listener.Close()
	before, err := l.Updates()
	Expect(err).NotTo(HaveOccurred())
	senders, err := dial(w.from(), v6, n)
	byAddress := map[netip.AddrPort]*net.TCPConn{}
	for _, from := range senders {
		DeferCleanup(from.Close)
		byAddress[address(from.LocalAddr())] = from
	}
	Expect(err).NotTo(HaveOccurred())
	var pairs []pair
	for range senders {
		to, err := listener.AcceptTCP()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(to.Close)
		p := pair{byAddress[address(to.RemoteAddr())], to}
		if w.enter != nil {
			Expect(w.enter(p)).To(Succeed())
		}
		pairs = append(pairs, p)
	}
	if w.from() == node() {
		Expect(l.AwaitUpdates(before + 2*uint64(n))).To(Succeed())
	}
	return pairs
}

// dial connects n times to the pod.
func dial(from *netlab.Host, v6 bool, n int) (conns []*net.TCPConn, err error) {
	d := net.Dialer{Timeout: evidence.Stretch(timeout), KeepAlive: -1}
	err = from.Do(func() error {
		for range n {
			c, err := d.DialContext(context.Background(), "tcp", netip.AddrPortFrom(pod().Addr(v6), port).String())
			if err != nil {
				return err
			}
			conns = append(conns, c.(*net.TCPConn))
		}
		return nil
	})
	return conns, err
}

// size of a message in bytes: two reads of buffer bytes, and a rest.
const (
	size   = 3000
	buffer = 1024 // nginx's client_header_buffer_size
)

// message is the one of a trial, unlike every other.
func message(trial int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i/256 + trial*31)
	}
	return b
}

// send sends each pair its message, in one write, and waits until it can be read.
func send(pairs []pair) {
	GinkgoHelper()
	for i, p := range pairs {
		n, err := p.from.Write(message(i))
		Expect(err).NotTo(HaveOccurred())
		Expect(n).To(Equal(size))
	}
	for _, p := range pairs {
		Expect(fionread.Await(p.to, size, evidence.Stretch(timeout))).To(Succeed())
	}
}

// expectMessage: whatever FIONREAD says, the bytes are the right ones.
func expectMessage(trial int, got []byte) {
	GinkgoHelper()
	Expect(bytes.Equal(got, message(trial)[:len(got)])).To(BeTrue(), "trial %d: other bytes were read than were sent", trial)
}

func family(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}
