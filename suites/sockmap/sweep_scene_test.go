package sockmap

import (
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
	"github.com/krepro/krepro/harness/sweep"
)

// Trials of a scene. Stale entries are of those from 0 on.
const (
	abandoned = tries
	lively    = tries / 2
	liveFrom  = abandoned
	restFrom  = liveFrom + lively
)

// scene is a map with entries of every kind.
type scene struct {
	*bench
	swept    *sweep.Map
	listener *net.TCPListener
	stale    []string // keys that connections which nobody accepted left: none on a kernel without the bug
	live     []pair
	again    []pair            // over the stale ones' 4-tuples
	closed   map[string]string // keys of the dead that are still held, and by what
	foreign  string            // key of an entry that leads to another connection's socket
	others   []net.Conn        // to be closed, besides the pairs
}

// pair is both ends of a connection.
type pair struct {
	client *probe.Conn
	server *net.TCPConn
}

func newScene() *scene {
	GinkgoHelper()
	s := &scene{bench: newBench(cilium)}
	s.abandon(abandoned)
	Expect(l.JudgeAtRest(evidence.NewTally())).To(Succeed()) // waits
	s.stale = keys(s.entries())
	Expect(len(s.stale)).To(Or(BeZero(), Equal(abandoned)), "entries of %d connections that nobody accepted", abandoned)
	s.swept = open(l.Accel.Map())

	s.listener = s.listen()
	s.live = s.connect(liveFrom, lively)
	s.judgeLive()
	s.strand()
	s.misplace()
	s.kill() // last: what waits to be accepted would come before others
	return s
}

func open(m *ebpf.Map) *sweep.Map {
	GinkgoHelper()
	swept, err := sweep.Of(m)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(swept.Close)
	return swept
}

// connect makes connections that are accepted.
func (s *scene) connect(first, n int) []pair {
	GinkgoHelper()
	clients := s.dialFrom(first, n)
	var pairs []pair
	for i, server := range accept(s.listener, n) {
		pairs = append(pairs, pair{clients[i], server})
	}
	return pairs
}

// kill leaves two sockets that are dead and not destroyed: one that a descriptor
// holds, and one that waits to be accepted.
func (s *scene) kill() {
	GinkgoHelper()
	held := s.connect(restFrom, 1)[0]
	s.others = append(s.others, held.server)
	waiting := s.dialFrom(restFrom+1, 1)
	s.closed = map[string]string{
		keyOf(accel.KeyOf(reverse(held.client.Addrs()))): "descriptor",
		keyOf(accel.KeyOf(reverse(waiting[0].Addrs()))):  "accepted",
	}
	resetAll(append(waiting, held.client))
	Eventually(func() int { return s.sweep(false).Closed }).WithTimeout(evidence.Stretch(timeout)).Should(Equal(2))
}

// misplace enters the socket of a connection that is not accelerated under a key
// that is not its own.
func (s *scene) misplace() {
	GinkgoHelper()
	k := accel.KeyOf(s.plainProber(node()).To, netip.AddrPortFrom(node().V4, portOf(restFrom+2)))
	donor := s.donor()
	control(donor, func(fd uintptr) { Expect(l.Accel.Plant(k, fd)).To(Succeed()) })
	s.foreign = keyOf(k)
	s.others = append(s.others, donor, accept(s.listener, 1)[0])
}

// donor is a connection from the remote node: not accelerated. Somebody must listen.
func (b *bench) donor() (c *probe.Conn) {
	GinkgoHelper()
	Expect(remote().Do(func() (err error) { c, err = b.plainProber(remote()).Dial(0); return err })).To(Succeed())
	DeferCleanup(func() { c.Close() })
	return c
}

// sweep sweeps.
func (s *scene) sweep(remove bool) sweep.Report {
	GinkgoHelper()
	r, err := s.swept.Sweep(remove)
	Expect(err).NotTo(HaveOccurred())
	return r
}

// expectNamed holds what a sweep found against what there is.
func (s *scene) expectNamed(r sweep.Report) {
	GinkgoHelper()
	s.Trials(len(r.Listed) + r.Live)
	var stale, foreign []string
	closed := map[string]string{}
	for _, e := range r.Listed {
		switch e.Verdict {
		case sweep.Stale:
			stale = append(stale, e.Key)
		case sweep.Foreign:
			foreign = append(foreign, e.Key)
		case sweep.Closed:
			closed[e.Key] = e.Why
		}
	}
	Expect(stale).To(ConsistOf(s.stale))
	Expect(foreign).To(ConsistOf(s.foreign))
	Expect(closed).To(HaveLen(len(s.closed)))
	for key, by := range s.closed {
		Expect(closed[key]).To(ContainSubstring(by), key)
	}
	Expect(r.Entries).To(Equal(r.Live + len(r.Listed)))
	live := 2*len(s.live) + 2*len(s.again)
	if len(s.stale) > 0 {
		live -= len(s.again) // their servers were refused
	}
	Expect(r.Live).To(Equal(live))
}

// judgeLive talks over the live connections, and expects every recvmsg at both
// ends to have gone to tcp_bpf_recvmsg, and every sendmsg to have been redirected.
func (s *scene) judgeLive() {
	GinkgoHelper()
	before, err := l.Accel.Counters()
	Expect(err).NotTo(HaveOccurred())
	for i, p := range s.live {
		s.Trials(1)
		s.say(liveFrom+i, p.client, p.server, "are you there?")
		s.say(liveFrom+i, p.server, p.client, "yes")
		for _, end := range []*net.TCPConn{p.client.TCPConn, p.server} {
			s.judgeHandlers(liveFrom+i, end)
		}
	}
	after, err := l.Accel.Counters()
	Expect(err).NotTo(HaveOccurred())
	Expect(after.Redirected-before.Redirected).To(Equal(uint64(2*len(s.live))), "sendmsg calls redirected")
}

func (s *scene) judgeHandlers(trial int, c *net.TCPConn) {
	GinkgoHelper()
	cookie, err := probe.Cookie(c)
	Expect(err).NotTo(HaveOccurred())
	handlers, err := l.Observer.Of(cookie)
	Expect(err).NotTo(HaveOccurred())
	Expect(handlers).NotTo(BeEmpty())
	for _, h := range handlers {
		if h.Symbol != observe.BPF {
			s.Found(trial, event.WrongHandler, "%s: recvmsg on a connection that a sweep had to leave alone went to %s", c.LocalAddr(), h)
		}
	}
}

// say sends a text and expects it at the other end; what does not come is a finding.
func (s *scene) say(trial int, from, to net.Conn, text string) {
	GinkgoHelper()
	Expect(from.Write([]byte(text))).To(Equal(len(text)))
	got, err := hear(to, len(text), time.Now().Add(evidence.Stretch(timeout)))
	if err != nil {
		s.Found(trial, event.Stuck, "%s: sent %q to %s, which read %q: %v", from.LocalAddr(), text, to.LocalAddr(), got, err)
		return
	}
	Expect(got).To(Equal(text))
}

// hear reads so many bytes.
func hear(c net.Conn, n int, deadline time.Time) (string, error) {
	got := make([]byte, n)
	if err := c.SetReadDeadline(deadline); err != nil {
		return "", err
	}
	n, err := io.ReadFull(c, got)
	return string(got[:n]), err
}

// strand uses some of the stale entries' 4-tuples again. What the clients send
// gets lost where there are stale entries, and only there.
func (s *scene) strand() {
	GinkgoHelper()
	const text = "lost?"
	s.again = s.connect(0, lively)
	for _, p := range s.again {
		Expect(p.client.Write([]byte(text))).To(Equal(len(text)))
	}
	// All have one deadline: what is lost is waited for together.
	limit := timeout
	if len(s.stale) > 0 {
		limit = overdue
	}
	deadline := time.Now().Add(evidence.Stretch(limit))
	for _, p := range s.again {
		got, err := hear(p.server, len(text), deadline)
		if len(s.stale) > 0 {
			Expect(err).To(MatchError(os.ErrDeadlineExceeded), "read %q from a client whose peer is dead in the map", got)
			continue
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(Equal(text))
	}
}

// reuse makes connections over the freed 4-tuples, and judges them as any others.
func (s *scene) reuse() {
	GinkgoHelper()
	before, err := l.Accel.Refused()
	Expect(err).NotTo(HaveOccurred())
	server := s.serve()
	s.exchange(s.dial(abandoned))
	Expect(server.Close()).To(Succeed())
	Expect(l.Accel.Refused()).To(HaveLen(len(before)), "updates refused, of 4-tuples that are free")
	Expect(l.JudgeAtRest(s.Tally)).To(Succeed())
}

// close closes every descriptor. These entries stay, and no other.
func (s *scene) close(left ...string) {
	GinkgoHelper()
	for _, p := range append(s.live, s.again...) {
		drop([]net.Conn{p.client, p.server}) // a spec may have closed one
	}
	closeAll(accept(s.listener, 1)) // the dead one that waits
	closeAll(s.others)
	Expect(s.listener.Close()).To(Succeed())
	Eventually(func() []string { return keys(s.entries()) }).WithTimeout(evidence.Stretch(timeout)).
		Should(ConsistOf(left))
}

func (s *scene) entries() []accel.Entry {
	GinkgoHelper()
	entries, err := l.Accel.Entries()
	Expect(err).NotTo(HaveOccurred())
	return entries
}

// keys are the raw keys of entries, as user space reads them.
func keys(entries []accel.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Record().Key)
	}
	return out
}

func keyOf(k accel.Key) string { return accel.Entry{Key: k}.Record().Key }

func reverse(a, b netip.AddrPort) (netip.AddrPort, netip.AddrPort) { return b, a }

// control calls f with a connection's descriptor.
func control(c *probe.Conn, f func(fd uintptr)) {
	GinkgoHelper()
	raw, err := c.SyscallConn()
	Expect(err).NotTo(HaveOccurred())
	Expect(raw.Control(f)).To(Succeed())
}
