package probes

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/cost"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

const (
	batches = 12  // of a round
	batch   = 150 // calls
)

// rounds is odd, for the median.
func rounds() int {
	if evidence.Size() == evidence.Quick {
		return 7
	}
	return 21
}

// bare is the call without any probe.
const bare cost.Kind = "bare call"

var _ = Describe("the cost of a probe on getpgid(2)", Label("cost"), func() {
	// No figure is held against a number, only kretprobe against fexit, which does
	// the same by other means: twice to seven times as dear on every kernel that
	// was measured. The probes take turns, so that a machine that changes its pace
	// is the same to all; a batch that was disturbed is not a round's fastest.
	It("is higher for a kretprobe than for fexit", func() {
		debug.SetGCPercent(-1)
		DeferCleanup(func() { debug.SetGCPercent(100) })
		probes := map[cost.Kind]*cost.Probe{bare: nil}
		var lacking []string
		for _, kind := range cost.Kinds {
			if p := load(kind, cost.Call); p != nil {
				probes[kind] = p
			} else {
				lacking = append(lacking, string(kind))
			}
		}
		Expect(probes).To(And(HaveKey(cost.Kretprobe), HaveKey(cost.Fexit)))
		took := measure(probes)
		Expect(show(took, lacking)).To(Succeed())

		t := evidence.NewTally().Watch()
		t.Trials(rounds())
		kretprobe, fexit := median(overhead(took, cost.Kretprobe)), median(overhead(took, cost.Fexit))
		if kretprobe <= fexit {
			t.Found(0, event.Changed, "a kretprobe costs %d ns a call, fexit %d ns", kretprobe, fexit)
		}
		t.Submit()
	})
})

// measure has the probes take turns. Of each kind: nanoseconds a call, by round.
func measure(probes map[cost.Kind]*cost.Probe) map[cost.Kind][]int {
	GinkgoHelper()
	took := map[cost.Kind][]int{}
	for range rounds() {
		for _, kind := range append([]cost.Kind{bare}, cost.Kinds...) {
			p, ok := probes[kind]
			if !ok {
				continue
			}
			if p != nil {
				Expect(p.Attach()).To(Succeed())
			}
			took[kind] = append(took[kind], fastest())
			if p != nil {
				Expect(p.Detach()).To(Succeed())
			}
		}
	}
	for kind, p := range probes {
		if p != nil {
			Expect(hits(p)).To(Equal(rounds()*(batches+1)*batch), "%s: calls that were measured", kind)
		}
	}
	return took
}

// fastest is the fastest of a few batches, in nanoseconds a call.
func fastest() int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	call(batch) // caches, and QEMU's translation of the code
	best := time.Duration(1 << 62)
	for range batches {
		began := time.Now()
		call(batch)
		best = min(best, time.Since(began))
	}
	return int(best.Nanoseconds()) / batch
}

// overhead is what a kind costs beyond the bare call of its round.
func overhead(took map[cost.Kind][]int, kind cost.Kind) []int {
	var over []int
	for i, ns := range took[kind] {
		over = append(over, ns-took[bare][i])
	}
	return over
}

// show streams the medians as a table.
func show(took map[cost.Kind][]int, lacking []string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	none := median(took[bare])
	fmt.Fprintf(w, "%d\t ns\t  %s\n", none, bare)
	figures := []event.Figure{{Name: string(bare), Value: float64(none), Unit: "ns"}}
	for _, kind := range cost.Kinds {
		if took[kind] != nil {
			over := median(overhead(took, kind))
			fmt.Fprintf(w, "%+d\t ns\t  %s\n", over, kind)
			figures = append(figures, event.Figure{Name: string(kind), Value: float64(over), Unit: "ns"})
		}
	}
	w.Flush() // into memory
	for _, kind := range lacking {
		fmt.Fprintf(&b, "this kernel has no %s\n", kind)
	}
	return evidence.Figures(fmt.Sprintf("cost of a probe on getpgid(2), a call, median of %d rounds", rounds()), b.String(), figures)
}

func median(of []int) int { return slices.Sorted(slices.Values(of))[len(of)/2] }
