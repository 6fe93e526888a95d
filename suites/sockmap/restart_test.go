package sockmap

import (
	"slices"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// While the server is away a probe may fail in these ways, and no other.
var downtime = []probe.Class{probe.Refused, probe.Reset, probe.Closed, probe.Unanswered}

// A server that dies while connections wait to be accepted leaves them to the
// kernel, in the midst of traffic that uses the same ports again.
var _ = Describe("server", Label("restart"), func() {
	for _, how := range stops() {
		It(how.name+" in the midst of churn: what comes after is served as before", func() {
			b := newBench(cilium)
			r := &restarter{bench: b, stop: how.end, churned: make(chan struct{})}
			go r.churn()
			r.run()
			b.finish()
		})
	}
})

// stops are the ways to end a server, those of the run's size: a quick run
// keeps to the harder one.
func stops() []stop {
	kill := stop{"killed (SIGKILL) with connections unaccepted", (*probe.Child).Kill}
	if evidence.Size() == evidence.Quick {
		return []stop{kill}
	}
	return []stop{kill, {"reloaded (SIGTERM) with connections unaccepted", (*probe.Child).Terminate}}
}

type stop struct {
	name string
	end  func(*probe.Child) error
}

const rounds = 2 * workers * portsEach // answers between restarts: every port twice

func restarts() int {
	return map[string]int{evidence.Quick: 1, evidence.Default: 2, evidence.Soak: 50}[evidence.Size()]
}

// restarter stops and starts the server while probes go on.
type restarter struct {
	*bench
	stop     func(*probe.Child) error
	answered atomic.Int64
	over     atomic.Bool   // no probe is to begin any more
	churned  chan struct{} // closed when the last has ended
}

// run stops a server that has not accepted for a while and starts the next,
// several times, with churn in between.
func (r *restarter) run() {
	GinkgoHelper()
	for range restarts() {
		child := r.spawn()
		r.awaitRounds()
		Expect(child.Pause()).To(Succeed())
		r.awaitQuiet()
		Expect(r.stop(child)).To(Succeed())
	}
	child := r.spawn()
	r.awaitRounds()
	// The server outlives the last probe, or it would reset one that is stuck.
	r.over.Store(true)
	<-r.churned
	Expect(child.Terminate()).To(Succeed())
}

func (r *restarter) spawn() *probe.Child {
	GinkgoHelper()
	child, err := probe.Spawn(r.listen())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { child.Kill() }) // gone already, unless the spec failed
	return child
}

func (r *restarter) awaitRounds() {
	GinkgoHelper()
	goal := r.answered.Load() + rounds
	Eventually(func() bool { return r.answered.Load() >= goal || r.Count(event.Stuck) >= maxStuck }).
		WithTimeout(evidence.Stretch(30*time.Second)).WithPolling(5*time.Millisecond).
		Should(BeTrue(), "%d answers from a new server", rounds)
}

// awaitQuiet waits until no answer comes any more: every worker now has a
// connection that the paused server has not accepted.
func (r *restarter) awaitQuiet() {
	GinkgoHelper()
	last := int64(-1)
	Eventually(func() bool {
		before := last
		last = r.answered.Load()
		return last == before
	}).WithTimeout(evidence.Stretch(timeout)).WithPolling(evidence.Stretch(50 * time.Millisecond)).Should(BeTrue())
}

func (r *restarter) churn() {
	defer GinkgoRecover()
	defer close(r.churned)
	r.bench.churn(func(int) bool { return !r.over.Load() }, func(o probe.Outcome) {
		if slices.Contains(downtime, o.Class) {
			time.Sleep(time.Millisecond)
			return
		}
		if o.Class == probe.OK {
			r.answered.Add(1)
		}
		Expect(l.Judge(r.Tally, o, observe.BPF)).To(Succeed())
	})
}
