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
// socket says of itself right after write(2) goes into the finding; where it
// does not agree with the time, the write is made again.
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
	tries    = 4
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
// take far longer than the control.
func (b *bench) inTime(trial int, try func() sending) sending {
	GinkgoHelper()
	b.Trials(1)
	s := b.measure(try)
	if b.late(s) {
		b.Found(trial, event.Delayed, "%s; the control took %s", s, ms(b.control))
	}
	return s
}

// measure writes again if the time and the socket's own word do not agree: in a
// guest that gets no CPU for a while anything takes long, and a timer, which
// counts ticks, may run out early by the clock.
func (b *bench) measure(try func() sending) (s sending) {
	GinkgoHelper()
	for range tries {
		if s = try(); b.late(s) == s.stalled() {
			break
		}
	}
	return s
}

func (b *bench) late(s sending) bool { return s.first > b.control+margin }

func must[T any](v T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return v
}
