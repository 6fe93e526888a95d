package probes

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/cost"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

var _ = Describe("a probe on getpgid(2)", Label("count"), func() {
	It("runs its program once for each call, and not after it is detached", func() {
		const calls = 1000
		t := evidence.NewTally().Watch()
		for i, kind := range cost.Kinds {
			p := load(kind, cost.Call)
			if p == nil {
				continue
			}
			Expect(p.Attach()).To(Succeed())
			call(calls)
			Expect(p.Detach()).To(Succeed())
			seen := hits(p)
			if seen != calls {
				t.Found(i, event.Miscounted, "%s: %d calls, the program ran %d times", kind, calls, seen)
			}
			call(calls)
			if after := hits(p) - seen; after != 0 {
				t.Found(i, event.Miscounted, "%s: %d calls after it was detached, the program ran %d times", kind, calls, after)
			}
			t.Trials(2 * calls)
		}
		t.Submit()
	})
})
