package sockmap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/cilium/ebpf"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
	"github.com/krepro/krepro/harness/sweep"
)

// The remedy for a node that cannot be rebooted into a fixed kernel. Where the
// kernel leaves no stale entry, the sweep must find none, among live entries and
// those that only look dead; where it does, exactly these.
var _ = Describe("sweep of the sockhash", Label("sweep"), func() {
	It("names the stale entries and no other, and without leave to delete changes nothing", func() {
		s := newScene()
		before := keys(s.entries())
		r := s.sweep(false)
		s.expectNamed(r)
		Expect(r.Deleted).To(BeZero())
		Expect(r.Remaining).To(Equal(len(s.stale)))
		Expect(keys(s.entries())).To(ConsistOf(before))
		s.close(s.stale...)
		s.Submit()
	})

	It("deletes the stale entries alone: live connections stay on tcp_bpf_recvmsg, stuck ones recover, their 4-tuples can be used again", func() {
		s := newScene()
		before := keys(s.entries())
		r := s.sweep(true)
		s.expectNamed(r)
		Expect(r.Deleted).To(Equal(len(s.stale)))
		Expect(r.Remaining).To(BeZero())
		Expect(append(keys(s.entries()), s.stale...)).To(ConsistOf(before))

		s.judgeLive()
		for i, p := range s.again {
			s.Trials(1)
			s.say(i, p.client, p.server, "once more")
			s.say(i, p.server, p.client, "received")
		}
		s.close()
		s.reuse()
		s.Submit()
	})

	It("looks at each socket again: an entry that is not, or no longer, stale is left alone", func() {
		s := newScene()
		listed, err := s.swept.Entries()
		Expect(err).NotTo(HaveOccurred())
		Expect(s.live[0].client.Close()).To(Succeed()) // its entry is gone
		gone := accel.KeyOf(s.live[0].client.Addrs())
		Eventually(func() []string { return keys(s.entries()) }).WithTimeout(evidence.Stretch(timeout)).
			ShouldNot(ContainElement(keyOf(gone)))
		before := keys(s.entries())
		var forged []sweep.Entry
		for _, e := range listed {
			if e.Verdict != sweep.Stale {
				e.Verdict = sweep.Stale
				forged = append(forged, e)
			}
		}
		Expect(s.swept.Delete(forged)).To(Succeed())
		s.Trials(len(forged))
		for _, e := range forged {
			want := sweep.Alive
			if e.Key == keyOf(gone) {
				want = sweep.Gone
			}
			Expect(e.Outcome).To(Equal(want), "%s %s", e, e.State)
		}
		Expect(keys(s.entries())).To(ConsistOf(before))
		s.close(s.stale...)
		s.Submit()
	})

	It("in the midst of churn takes nothing for stale: no recvmsg leaves tcp_bpf_recvmsg, no request is stuck", func() {
		b := newBench(cilium)
		swept := open(l.Accel.Map())
		server := b.serve()
		n := evidence.Churn() / 4
		over, sweeps := make(chan struct{}), 0
		var sweeper sync.WaitGroup
		sweeper.Go(func() {
			defer GinkgoRecover()
			for ; !isClosed(over); sweeps++ {
				r, err := swept.Sweep(true)
				Expect(err).NotTo(HaveOccurred())
				Expect(r).To(HaveField("Stale", 0), "%+v", r)
			}
		})
		b.churn(func(i int) bool { return i < n }, func(o probe.Outcome) {
			Expect(l.Judge(b.Tally, o, observe.BPF)).To(Succeed())
		})
		close(over)
		sweeper.Wait()
		AddReportEntry(fmt.Sprintf("%d sweeps beside %d connections", sweeps, n))
		Expect(sweeps).To(BeNumerically(">", 0))
		Expect(server.Close()).To(Succeed())
		b.finish()
	})

	It("reads a map with Cilium's values of 4 bytes, which user space may not look up", func() {
		b := newBench(cilium)
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockHash, KeySize: 44, ValueSize: 4, MaxEntries: 8})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(m.Close)
		b.listen()
		donor := b.donor()
		key := accel.KeyOf(donor.Addrs()).Encode()
		control(donor, func(fd uintptr) { Expect(m.Put(key, uint32(fd))).To(Succeed()) })
		b.Trials(1)
		var value uint32
		Expect(m.Lookup(key, &value)).NotTo(Succeed())
		swept := open(m)
		r, err := swept.Sweep(true)
		Expect(err).NotTo(HaveOccurred())
		Expect(r).To(HaveField("Live", 1), "%+v", r)
		Expect(r).To(HaveField("Entries", 1))
		b.Submit()
	})

	// The command is on board if whoever started the VM put it there.
	if command := os.Getenv(event.EnvCommand); command != "" {
		It("is done by krepro sweep, on a pinned map", func() {
			s := newScene()
			pin := filepath.Join("/sys/fs/bpf", fmt.Sprintf("krepro-%d", os.Getpid()))
			Expect(l.Accel.Map().Pin(pin)).To(Succeed())
			DeferCleanup(l.Accel.Map().Unpin)
			table, _ := run(command, "sweep", "--map", pin)
			AddReportEntry("krepro sweep", table) // for whoever reads the suite's log

			text, code := run(command, "sweep", "--map", pin, "--json")
			dry := report(text)
			s.expectNamed(dry)
			Expect(code).To(Equal(min(len(s.stale), 1)))
			text, code = run(command, "sweep", "--map", fmt.Sprint(dry.ID), "--delete", "--json")
			s.expectNamed(report(text))
			Expect(report(text)).To(HaveField("Deleted", len(s.stale)))
			Expect(code).To(BeZero())
			_, code = run(command, "sweep", "--map", fmt.Sprint(dry.ID), "--delete", "--json")
			Expect(code).To(BeZero(), "swept already")
			s.judgeLive()
			s.close()
			s.Submit()
		})
	}
})

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// run runs the command, and returns what it printed and how it ended.
func run(command string, args ...string) (out string, code int) {
	GinkgoHelper()
	cmd := exec.Command(command, args...)
	cmd.Env = []string{} // by the kernel's own BTF, as on any machine
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if cmd.ProcessState == nil {
		Expect(err).NotTo(HaveOccurred())
	}
	Expect(complaint.String()).To(BeEmpty(), "krepro %s", args)
	return string(text), cmd.ProcessState.ExitCode()
}

func report(text string) (r sweep.Report) {
	GinkgoHelper()
	Expect(json.Unmarshal([]byte(text), &r)).To(Succeed(), text)
	return r
}
