// Package latency asks whether a tracer of tcp_sendmsg tells the truth: that it
// counts what the workload itself counted, call by call and connection by
// connection, and measures the time from a send to the read that returned it.
package latency

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/latency"
	"github.com/krepro/krepro/harness/netlab"
)

func TestLatency(t *testing.T) { evidence.Run(t, "latency") }

var (
	cluster *netlab.Cluster
	tracer  *latency.Tracer
)

var _ = BeforeSuite(func() {
	var err error
	cluster, err = netlab.NewCluster(1)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Close)
	Expect(evidence.Timed("bpf-load", func() (err error) { tracer, err = latency.Open(); return err })).To(Succeed())
	DeferCleanup(tracer.Close)
})

// traced runs f while the tracer is on.
func traced(f func()) {
	GinkgoHelper()
	Expect(tracer.Start()).To(Succeed())
	stop := tracer.Stop
	defer func() { Expect(stop()).To(Succeed()) }()
	f()
}

// exchanges is how many a busy connection makes, there and back.
func exchanges() int {
	return map[string]int{evidence.Quick: 100, evidence.Default: 1000, evidence.Soak: 20000}[evidence.Size()]
}
