package connect

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
)

// watch is what the tracer sees during a spec.
type watch struct{ before conntrace.Counters }

// read is how many of the tracer's failures have been read.
var read uint64

// watchTracer leaves behind what other specs have caused.
func watchTracer() *watch {
	GinkgoHelper()
	w := &watch{counters()}
	pending(w.before)
	return w
}

// failures waits for so many, and returns all that there are.
func (w *watch) failures(n int) []event.Connect {
	GinkgoHelper()
	Eventually(func() uint64 { return w.grown().Failed }).WithTimeout(longEnough()).
		Should(BeNumerically(">=", n), "failed connects that the tracer has counted")
	return pending(counters())
}

// grown is what has been counted since the watch began.
func (w *watch) grown() conntrace.Counters {
	GinkgoHelper()
	c := counters()
	return conntrace.Counters{
		Begun: c.Begun - w.before.Begun, Answered: c.Answered - w.before.Answered,
		Failed: c.Failed - w.before.Failed, Retried: c.Retried - w.before.Retried, Lost: c.Lost - w.before.Lost,
	}
}

func counters() conntrace.Counters {
	GinkgoHelper()
	c, err := tracer.Counters()
	Expect(err).NotTo(HaveOccurred())
	return c
}

// pending reads the failures that have been counted and not been read, and the
// retries before them.
func pending(c conntrace.Counters) []event.Connect {
	GinkgoHelper()
	Expect(c.Lost).To(BeZero(), "events that found no room")
	tracer.SetDeadline(time.Now().Add(longEnough()))
	var failed []event.Connect
	for read < c.Failed {
		e, err := tracer.Read()
		Expect(err).NotTo(HaveOccurred())
		if e.Kind == event.ConnectFailed {
			failed = append(failed, e)
			read++
		}
	}
	return failed
}
