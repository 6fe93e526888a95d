package sockmap

import (
	"io"
	"net"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

// Ways to end a connection other than a tidy close. Each ends with every
// descriptor closed, then the 4-tuples are used again.
var _ = Describe("connection ended by", Label("abort"), func() {
	again := func(end func(b *bench)) func() {
		return func() {
			b := newBench(cilium)
			end(b)
			Expect(l.JudgeAtRest(b.Tally)).To(Succeed())
			server := b.serve()
			b.exchange(b.dial(tries))
			Expect(server.Close()).To(Succeed())
			b.finish()
		}
	}

	It("the client's reset before accept, then accepted and closed", again(func(b *bench) {
		listener := b.listen()
		resetAll(b.dial(tries))
		closeAll(accept(listener, tries))
		Expect(listener.Close()).To(Succeed())
	}))

	It("the client's reset before accept, then the listener closed", again(func(b *bench) {
		listener := b.listen()
		resetAll(b.dial(tries))
		Expect(listener.Close()).To(Succeed())
	}))

	It("the client's reset after an exchange (linger 0)", again(func(b *bench) {
		listener := b.listen()
		conns := b.dial(tries)
		servers := accept(listener, tries)
		talk(conns, servers)
		resetAll(conns)
		closeAll(servers)
		Expect(listener.Close()).To(Succeed())
	}))

	It("connect(AF_UNSPEC) and close", again(func(b *bench) {
		listener := b.listen()
		conns := b.dial(tries)
		servers := accept(listener, tries)
		for _, c := range conns {
			Expect(probe.Disconnect(c)).To(Succeed())
		}
		closeAll(conns)
		closeAll(servers)
		Expect(listener.Close()).To(Succeed())
	}))

	It("a half-close, the server answering after the client's FIN", again(func(b *bench) {
		listener := b.listen()
		conns := b.dial(tries)
		for i, s := range accept(listener, tries) {
			c := conns[i]
			Expect(c.CloseWrite()).To(Succeed())
			Expect(readAll(s)).To(BeEmpty())
			Expect(s.Write([]byte("late"))).To(Equal(4))
			Expect(s.Close()).To(Succeed())
			Expect(readAll(c)).To(BeEquivalentTo("late"))
		}
		closeAll(conns)
		Expect(listener.Close()).To(Succeed())
	}))
})

func accept(listener *net.TCPListener, n int) []*net.TCPConn {
	GinkgoHelper()
	Expect(listener.SetDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	var out []*net.TCPConn
	DeferCleanup(func() { drop(out) })
	for range n {
		c, err := listener.AcceptTCP()
		Expect(err).NotTo(HaveOccurred())
		out = append(out, c)
	}
	return out
}

func resetAll(conns []*probe.Conn) {
	GinkgoHelper()
	for _, c := range conns {
		Expect(c.AbortOnClose()).To(Succeed())
		Expect(c.Close()).To(Succeed())
	}
}

// talk sends a few bytes both ways over each connection. The connections are
// accepted in the order in which they were made.
func talk(clients []*probe.Conn, servers []*net.TCPConn) {
	GinkgoHelper()
	for i, c := range clients {
		say(c, servers[i], "ping")
		say(servers[i], c, "pong")
	}
}

func say(from, to net.Conn, text string) {
	GinkgoHelper()
	Expect(from.Write([]byte(text))).To(Equal(len(text)))
	got := make([]byte, len(text))
	Expect(to.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	_, err := io.ReadFull(to, got)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(got)).To(Equal(text))
}

func readAll(c net.Conn) ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout))); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}
