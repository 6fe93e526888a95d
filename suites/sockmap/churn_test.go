package sockmap

import (
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

const (
	workers   = 4
	portsEach = 8 // source ports that a worker uses over and over
	maxStuck  = 3 // stuck requests after which a churn has seen enough
)

// Short-lived connections as a kubelet makes them, from few source ports, so
// that every 4-tuple is used again and again.
var _ = Describe("churn of short-lived connections with port reuse", Label("churn"), func() {
	for i, v := range variants() {
		Context(v.String(), v.labels(), func() {
			It("keeps every recvmsg on tcp_bpf_recvmsg, no request stuck, no entry left", func() {
				n := evidence.Churn()
				if i > 0 {
					n /= 4 // the full number for Cilium's own configuration
				}
				b := newBench(v)
				server := b.serve()
				b.churn(func(i int) bool { return i < n }, func(o probe.Outcome) {
					Expect(l.Judge(b.Tally, o, observe.BPF)).To(Succeed())
				})
				Expect(server.Close()).To(Succeed())
				b.finish()
			})
		})
	}
})

// churn makes probes by several workers, each with ports of its own, as long as
// more says so of the next trial, and hands the outcomes to judge one at a time.
func (b *bench) churn(more func(trial int) bool, judge func(probe.Outcome)) {
	GinkgoHelper()
	var judging sync.Mutex
	var all sync.WaitGroup
	p := b.prober(node())
	for w := range workers {
		all.Go(func() {
			defer GinkgoRecover()
			Expect(node().Do(func() error {
				for i := w; more(i) && b.Count(event.Stuck) < maxStuck; i += workers {
					o := p.Get(i, portOf(w*portsEach+i/workers%portsEach))
					b.Trials(1)
					locked(&judging, func() { judge(o) })
				}
				return nil
			})).To(Succeed())
		})
	}
	all.Wait()
}

func locked(m *sync.Mutex, f func()) {
	m.Lock()
	defer m.Unlock()
	f()
}
