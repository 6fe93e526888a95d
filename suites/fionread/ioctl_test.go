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

// The whole message is there: FIONREAD has to say so, before the first read and
// after it. read(2) gives the right bytes in any case.
var _ = Describe("FIONREAD", Label("fionread"), func() {
	for _, w := range append([]way{ordinary}, ways...) {
		for _, v6 := range []bool{false, true} {
			It(w.name+", "+family(v6)+", is what can be read", Label(w.label), func() {
				begin()
				t := evidence.NewTally().Watch()
				pairs := w.connect(v6, batch)
				send(pairs)
				for i, p := range pairs {
					t.Trials(1)
					ask(t, i, p)
				}
				w.holds(batch)
				t.Submit()
			})
		}
	}
})

// ask asks before a read, after it, and after everything was read.
func ask(t *evidence.Tally, trial int, p pair) {
	GinkgoHelper()
	Expect(p.to.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	got := make([]byte, size)
	before, err := fionread.Ask(p.to)
	Expect(err).NotTo(HaveOccurred())
	n, err := p.to.Read(got[:buffer])
	Expect(err).NotTo(HaveOccurred())
	after, err := fionread.Ask(p.to)
	Expect(err).NotTo(HaveOccurred())
	_, err = io.ReadFull(p.to, got[n:])
	Expect(err).NotTo(HaveOccurred())
	expectMessage(trial, got)
	rest, err := fionread.Ask(p.to)
	Expect(err).NotTo(HaveOccurred())
	if before != size || after != size-n || rest != 0 {
		t.Found(trial, event.FIONREAD, "FIONREAD is %d, after a read of %d bytes %d, after one of the rest %d; %d, %d and 0 can be read",
			before, n, after, rest, size, size-n)
	}
}
