package fionread

import (
	"errors"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// The real thing: a request with a cookie of 2 KiB does not fit into nginx's
// first buffer. A short request on the same path is answered in any case, and so
// is the long one on the ordinary path.
var _ = Describe("nginx", Label("nginx", "needs:nginx"), func() {
	for _, path := range []struct {
		name, label string
		redirect    bool
	}{
		{"from the node, with sk_msg redirect", "redirect", true},
		{"from the node, in a map without a verdict program", "no-verdict", false},
	} {
		for _, v6 := range []bool{false, true} {
			It("answers a request with a cookie of 2 KiB "+path.name+", "+family(v6), Label(path.label), func() {
				startNginx()
				begin()
				Expect(l.Accel.Configure(accel.Config{Flags: accel.NoExist, Redirect: path.redirect})).To(Succeed())
				t := evidence.NewTally().Watch()
				Expect(exchange(node(), v6, batch, short)).To(Succeed(), "a short request")
				askNginx(t, v6)
				expectAccelerated(1+batch, path.redirect)
				t.Submit()
			})
		}
	}
})

// Lengths of cookies in bytes, below and above nginx's first buffer.
const (
	short = 100
	long  = 2048
)

// askNginx sends long requests and finds those that hang.
func askNginx(t *evidence.Tally, v6 bool) {
	GinkgoHelper()
	var pending []*request
	for i := range batch {
		r, err := get(node(), v6, i, long)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.conn.Close)
		pending = append(pending, r)
	}
	t.Trials(batch)
	pending = unanswered(pending, evidence.Stretch(overdue))
	if len(pending) == 0 {
		return
	}
	asked := time.Now()
	Expect(exchange(remote(), v6, batch, long)).To(Succeed(), "a long request on the ordinary path")
	for _, r := range unanswered(pending, max(evidence.Stretch(overdue), 4*time.Since(asked))) {
		t.Found(r.trial, event.Stuck, "nginx does not answer a request with a cookie of %d bytes; it answers one of %d bytes on the same path, and one of %d on the ordinary path",
			long, short, long)
	}
}

// unanswered are those of the requests that have no answer after so long.
func unanswered(requests []*request, limit time.Duration) []*request {
	GinkgoHelper()
	deadline := time.Now().Add(limit)
	var pending []*request
	for _, r := range requests {
		err := r.answer(deadline)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			pending = append(pending, r)
			continue
		}
		Expect(err).NotTo(HaveOccurred(), "request %d", r.trial)
	}
	return pending
}

// expectAccelerated: both ends of each connection were in the map, and requests
// were redirected, or none was.
func expectAccelerated(requests int, redirect bool) {
	GinkgoHelper()
	c, err := l.Accel.Counters()
	Expect(err).NotTo(HaveOccurred())
	Expect(c.Inserted).To(Equal(2*uint64(requests)), "sockets in the map")
	Expect(c.NoPeer).To(BeZero())
	if redirect {
		Expect(c.Redirected).To(BeNumerically(">=", requests), "messages redirected")
	} else {
		Expect(c.Redirected).To(BeZero())
	}
}
