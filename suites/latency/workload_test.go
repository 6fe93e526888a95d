package latency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/latency"
)

// message is what a write carries, in bytes: so few that the socket's buffer
// takes it at once, and a write is one call of tcp_sendmsg.
const message = 64

// pair is a connection from the node to the pod, and how often each end wrote.
type pair struct {
	client, server             net.Conn
	clientWrites, serverWrites uint64
}

// dial makes so many connections, every other over IPv6. They end with the spec.
func dial(n int) []*pair {
	GinkgoHelper()
	var pairs []*pair
	for i := range n {
		p, err := connect(i%2 == 1)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(p.close)
		pairs = append(pairs, p)
	}
	return pairs
}

func connect(v6 bool) (p *pair, err error) {
	pod, config, p := cluster.Pods[0], net.ListenConfig{}, &pair{}
	config.SetMultipathTCP(false)
	var l net.Listener
	if err := pod.Do(func() (err error) {
		l, err = config.Listen(context.Background(), "tcp", netip.AddrPortFrom(pod.Addr(v6), 0).String())
		return err
	}); err != nil {
		return nil, err
	}
	defer l.Close()
	limit := evidence.Stretch(20 * time.Second)
	if err := cluster.Node.Do(func() (err error) {
		p.client, err = net.DialTimeout("tcp", l.Addr().String(), limit)
		return err
	}); err != nil {
		return nil, err
	}
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, errors.Join(err, p.client.Close())
	}
	if p.server, err = l.Accept(); err != nil {
		return nil, errors.Join(err, p.client.Close())
	}
	return p, errors.Join(p.client.SetDeadline(time.Now().Add(10*limit)), p.server.SetDeadline(time.Now().Add(10*limit)))
}

func (p *pair) close() error { return errors.Join(p.client.Close(), p.server.Close()) }

// ask writes a message to the server.
func (p *pair) ask() error {
	p.clientWrites++
	_, err := p.client.Write(make([]byte, message))
	return err
}

// answer writes a message to the client.
func (p *pair) answer() error {
	p.serverWrites++
	_, err := p.server.Write(make([]byte, message))
	return err
}

// read takes so many messages off an end.
func read(from net.Conn, messages int) error {
	_, err := io.ReadFull(from, make([]byte, messages*message))
	return err
}

// exchange asks and answers so many times, one after another.
func (p *pair) exchange(n int) error {
	for range n {
		if err := errors.Join(p.ask(), read(p.server, 1), p.answer(), read(p.client, 1)); err != nil {
			return err
		}
	}
	return nil
}

// busy has all connections exchange at the same time.
func busy(pairs []*pair, n int) {
	GinkgoHelper()
	failed := make([]error, len(pairs))
	var all sync.WaitGroup
	for i, p := range pairs {
		all.Go(func() { failed[i] = p.exchange(n) })
	}
	all.Wait()
	Expect(errors.Join(failed...)).To(Succeed())
}

// direction is one direction of a connection with what the workload knows of it.
type direction struct {
	from, to netip.AddrPort
	writes   uint64
}

func (d direction) String() string { return fmt.Sprintf("%s > %s", d.from, d.to) }

func (p *pair) directions() []direction {
	client := p.client.LocalAddr().(*net.TCPAddr).AddrPort()
	server := p.server.LocalAddr().(*net.TCPAddr).AddrPort()
	return []direction{{client, server, p.clientWrites}, {server, client, p.serverWrites}}
}

// seen is what the tracer says of a direction: nothing of one it does not know.
func (d direction) seen(ways []latency.Way) latency.Way {
	for _, w := range ways {
		if w.From == d.from && w.To == d.to {
			return w
		}
	}
	return latency.Way{}
}

func ways() []latency.Way {
	GinkgoHelper()
	ways, err := tracer.Ways()
	Expect(err).NotTo(HaveOccurred())
	return ways
}
