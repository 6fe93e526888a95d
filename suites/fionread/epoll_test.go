package fionread

import (
	"io"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/fionread"
)

// What the lie does to a program: an event loop that reads as nginx does
// (package fionread, Loop). It is taken to hang only if, after it had its time,
// the same loop reads everything on the ordinary path, and it still waits after
// a time that the control's is nothing against.
var _ = Describe("edge-triggered reader", Label("epoll"), func() {
	for _, w := range append([]way{ordinary}, ways...) {
		for _, v6 := range []bool{false, true} {
			It(w.name+", "+family(v6)+", reads all that was sent", Label(w.label), func() {
				begin()
				t := evidence.NewTally().Watch()
				pairs := w.connect(v6, batch)
				loop, streams := read(pairs)
				t.Trials(batch)
				hung, err := loop.Run(evidence.Stretch(overdue))
				Expect(err).NotTo(HaveOccurred())
				w.holds(batch)
				if len(hung) > 0 {
					asked := time.Now()
					control(v6)
					_, err := loop.Run(max(evidence.Stretch(overdue), 4*time.Since(asked)))
					Expect(err).NotTo(HaveOccurred())
				}
				for i, s := range streams {
					judge(t, i, pairs[i], s)
				}
				t.Submit()
			})
		}
	}
})

// read sends each pair its message and hands the receivers to a loop.
func read(pairs []pair) (*fionread.Loop, []*fionread.Stream) {
	GinkgoHelper()
	send(pairs)
	loop, err := fionread.NewLoop(buffer)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(loop.Close)
	var streams []*fionread.Stream
	for _, p := range pairs {
		s, err := loop.Add(p.to, size)
		Expect(err).NotTo(HaveOccurred())
		streams = append(streams, s)
	}
	return loop, streams
}

// control has the same loop read from the ordinary path.
func control(v6 bool) {
	GinkgoHelper()
	loop, _ := read(ordinary.connect(v6, 1))
	Expect(loop.Run(evidence.Stretch(timeout))).To(BeEmpty(), "the control hangs")
}

// judge finds a reader that waits while a plain read has the rest at once.
func judge(t *evidence.Tally, trial int, p pair, s *fionread.Stream) {
	GinkgoHelper()
	expectMessage(trial, s.Got)
	if len(s.Got) == size {
		return
	}
	said, err := fionread.Ask(p.to)
	Expect(err).NotTo(HaveOccurred())
	Expect(p.to.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	rest := make([]byte, size-len(s.Got))
	_, err = io.ReadFull(p.to, rest)
	Expect(err).NotTo(HaveOccurred(), "the rest of the message, which could be read before")
	expectMessage(trial, append(s.Got, rest...))
	t.Found(trial, event.Stuck, "the reader waits after %d of %d bytes: FIONREAD is %d, epoll silent; a plain read has the other %d",
		len(s.Got), size, said, len(rest))
}
