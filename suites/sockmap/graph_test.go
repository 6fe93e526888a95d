package sockmap

import (
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/callgraph"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// On request (event.EnvCallGraph): what the kernel calls below recvmsg, for a
// request over a fresh 4-tuple and for one over a 4-tuple that a connection had
// which was never accepted. To patch the whole kernel for it takes seconds.
var _ = Describe("call graph", Label("call-graph"), func() {
	if os.Getenv(event.EnvCallGraph) == "" {
		return
	}
	It("of recvmsg for a fresh 4-tuple and for one used again: both go to tcp_bpf_recvmsg", func() {
		tracer, err := callgraph.Open(callgraph.Recvmsg...)
		if err != nil {
			evidence.Untestable(err.Error())
		}
		b := newBench(cilium)
		b.abandon(1)
		server := b.serve()
		var outcomes []probe.Outcome
		recording, err := tracer.Trace(func() error {
			conns := b.dial(2)
			outcomes = []probe.Outcome{conns[1].Get(1), conns[0].Get(0)}
			return nil
		})
		Expect(err).NotTo(HaveOccurred())
		for _, o := range outcomes {
			b.Trials(1)
			Expect(l.Judge(b.Tally, o, observe.BPF)).To(Succeed())
		}
		Expect(server.Close()).To(Succeed())
		Expect(l.RecordGraphs(recording)).To(Succeed())
		b.finish()
	})
})
