package connect

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// linearTimeouts came with 6.5 (ccce324dabfe): so many SYN timeouts, and the one
// before them, are of the same length; only then does each take twice as long as
// the one before.
const linearTimeouts = "ipv4/tcp_syn_linear_timeouts"

var _ = Describe("SYN retries", Label("schedule", "quick"), func() {
	It("follow tcp_syn_linear_timeouts: at even distances first, doubling after that; without it, or with 0, doubling at once", func() {
		tally := evidence.NewTally().Watch()
		watch := watchTracer()
		restore := setLinear(pair.Server, 0)
		defer restore()
		waits := []*unanswered{watchUnanswered(pair.Client), watchUnanswered(pair.Server)}
		for i, w := range waits {
			tally.Trials(1)
			w.judge(tally, i)
		}
		for _, e := range watch.failures(len(waits)) {
			i := slices.IndexFunc(waits, func(w *unanswered) bool { return w.local == e.Local })
			if i < 0 || e.Retries != len(waits[i].syns())-1 {
				tally.Found(max(i, 0), event.Miscounted, "the tracer says: %s", conntrace.Line(e))
			}
		}
		tally.Submit()
	})
})

// unanswered is a connect that nobody answers, with the packets of its host.
type unanswered struct {
	*attempt
	capture *netlab.Capture
	linear  int // tcp_syn_linear_timeouts; 0 if the kernel has none
	before  netlab.Counters
	since   time.Duration
}

func watchUnanswered(from *netlab.Host) *unanswered {
	GinkgoHelper()
	u := &unanswered{linear: linear(from), since: event.Uptime()}
	var err error
	u.capture, err = from.Capture()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(u.capture.Close)
	u.before, err = from.Counters()
	Expect(err).NotTo(HaveOccurred())
	u.attempt = start(from, netip.AddrPort{}, netip.AddrPortFrom(deadV4, openPort))
	DeferCleanup(u.close)
	return u
}

// syns are the times of the SYNs so far.
func (u *unanswered) syns() []float64 {
	GinkgoHelper()
	packets, err := u.capture.Of(u.local, u.remote, u.since, event.Uptime())
	Expect(err).NotTo(HaveOccurred())
	var at []float64
	for _, p := range packets {
		if p.FromClient && p.Flags == "S" {
			at = append(at, p.T)
		}
	}
	return at
}

// await gives up after so many SYNs, and returns all that there are.
func (u *unanswered) await(n int) []float64 {
	GinkgoHelper()
	Eventually(func() int { return len(u.syns()) }).WithTimeout(longEnough()).WithPolling(20*time.Millisecond).
		Should(BeNumerically(">=", n), "SYNs")
	u.giveUp()
	return u.syns()
}

// wanted is how many SYNs tell the schedule: the second retry does. If there is
// time, those of the first seven seconds are looked at.
func (u *unanswered) wanted() int {
	switch {
	case evidence.Size() == evidence.Quick:
		return 3
	case u.linear == 0:
		return 4
	}
	return u.linear + 3
}

func (u *unanswered) judge(tally *evidence.Tally, trial int) {
	GinkgoHelper()
	syns := u.await(u.wanted())
	if got, want := doubling(gaps(syns)), expectDoubling(u.linear, len(syns)-1); got != want {
		tally.Found(trial, event.Changed, "tcp_syn_linear_timeouts %d: SYNs sent again %s after the first: distances %s, want %s",
			u.linear, offsets(syns), got, want)
	}
	retries := uint64(len(syns) - 1)
	if after, err := u.from.Counters(); err != nil || after["TcpExtTCPSynRetrans"]-u.before["TcpExtTCPSynRetrans"] != retries {
		tally.Found(trial, event.Miscounted, "%d SYNs sent again by the capture, TCPSynRetrans %d, then %d, %v",
			retries, u.before["TcpExtTCPSynRetrans"], after["TcpExtTCPSynRetrans"], err)
	}
	AddReportEntry(fmt.Sprintf("tcp_syn_linear_timeouts %d: SYNs sent again after %s", u.linear, offsets(syns)))
}

// gaps are the distances between times.
func gaps(at []float64) []float64 {
	var out []float64
	for i := 1; i < len(at); i++ {
		out = append(out, at[i]-at[i-1])
	}
	return out
}

// doubling says of each distance but the first whether it is the one before
// again (=) or twice that (2). A timer is never early, and late by a quarter at
// most; the cut lies between.
func doubling(gaps []float64) string {
	var b strings.Builder
	for i := 1; i < len(gaps); i++ {
		if gaps[i] < 1.5*gaps[i-1] {
			b.WriteByte('=')
		} else {
			b.WriteByte('2')
		}
	}
	return b.String()
}

// expectDoubling is doubling of so many distances.
func expectDoubling(linear, gaps int) string {
	same := min(linear, gaps-1)
	return strings.Repeat("=", same) + strings.Repeat("2", gaps-1-same)
}

func offsets(at []float64) string {
	var out []string
	for _, t := range at[1:] {
		out = append(out, fmt.Sprintf("%.2f s", t-at[0]))
	}
	return strings.Join(out, ", ")
}

// linear is the sysctl; 0 where the kernel has none.
func linear(h *netlab.Host) int {
	GinkgoHelper()
	n := 0
	Expect(h.Do(func() error {
		text, err := os.ReadFile("/proc/sys/net/" + linearTimeouts)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			n, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err
	})).To(Succeed())
	return n
}

// setLinear sets the sysctl, if there is one, until restore is called.
func setLinear(h *netlab.Host, n int) (restore func()) {
	GinkgoHelper()
	was := linear(h)
	if was == n {
		return func() {}
	}
	Expect(h.Sysctl(linearTimeouts, strconv.Itoa(n))).To(Succeed())
	return func() { Expect(h.Sysctl(linearTimeouts, strconv.Itoa(was))).To(Succeed()) }
}
