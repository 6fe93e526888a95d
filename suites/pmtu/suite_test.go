// Package pmtu asks whether a write is held back for 200 ms because the MTU of
// its path has shrunk since the connection was last used.
//
// TCP cuts segments by the MTU of the route that the socket has cached; IP
// drops that route when it is obsolete, looks up the new one, finds the segment
// too long and refuses it (EMSGSIZE). It stays in the write queue, nothing is in
// flight, and so nothing but the probe timer (zero window probe, at least
// 200 ms) sends again, now by the new MTU.
//
// What is judged is the time until the first byte can be read at the other end,
// against writes in the same guest to which none of this happens. What the
// socket says of itself right after write(2) goes into the finding.
package pmtu

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

func TestPMTU(t *testing.T) { evidence.Run(t, "pmtu") }

const (
	port = 8443

	timeout  = 3 * time.Second        // for what has to work
	margin   = 100 * time.Millisecond // beyond the control: half of what a stall takes at the least
	controls = 5
	tries    = 3
)

// trials is how often a spec asks: what it looks for strikes each time.
func trials() int {
	switch evidence.Size() {
	case evidence.Quick:
		return 2
	case evidence.Soak:
		return 50
	}
	return 5
}

// bench is what one spec works with.
type bench struct {
	*evidence.Tally
	control time.Duration // the quickest write to which nothing happened
}

// newBench measures the control.
func newBench(control func() sending) *bench {
	GinkgoHelper()
	b := &bench{Tally: evidence.NewTally().Watch(), control: timeout}
	for range controls {
		b.control = min(b.control, control().first)
	}
	return b
}

// inTime makes a trial of a write, over a connection of its own, which must not
// take far longer than the control. A write that does so although the socket
// held nothing back is tried again: then it was the guest that was slow.
func (b *bench) inTime(trial int, try func() sending) sending {
	GinkgoHelper()
	b.Trials(1)
	var s sending
	for range tries {
		if s = try(); s.first < b.control+margin {
			return s
		}
		if s.stalled() {
			break
		}
	}
	b.Found(trial, event.Delayed, "%s; the control took %s", s, ms(b.control))
	return s
}

func must[T any](v T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return v
}
