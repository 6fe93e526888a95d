package pidns

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/pidns"
)

var _ = Describe("process in a child pid namespace", func() {
	It("is named by both numbers: /proc and the kernel's helpers agree", func() {
		t := evidence.NewTally().Watch()
		asker, err := pidns.OpenGetpgid()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(asker.Close)
		for trial, depth := range []int{1, 2} {
			child := spawn(depth)
			me := own(child)
			host, err := me.Namespace.Host(me.Process)
			Expect(err).NotTo(HaveOccurred())
			answer, _ := ask(asker, host, me.Namespace, first(child))
			numbers, err := pidns.Numbers(host)
			Expect(err).NotTo(HaveOccurred())
			name, err := pidns.Name(host)
			Expect(err).NotTo(HaveOccurred())

			Expect(evidence.Figures("a process by its numbers", name, []event.Figure{
				{Name: "on the host", Value: float64(host), Unit: "pid"},
				{Name: "in its own namespace", Value: float64(me.Process), Unit: "pid"},
			})).To(Succeed())
			Expect(name).To(HavePrefix(fmt.Sprintf("process %d, ", host)))
			Expect(name).To(HaveSuffix(fmt.Sprintf("%d in %s", me.Process, me.Namespace)))
			if depth == 1 {
				Expect(host).To(Equal(child.Host()), "the one that was started")
			}
			if len(numbers) != depth+1 || numbers[0] != answer.HostProcess || numbers[depth] != answer.Process {
				t.Found(trial, event.Miscounted, "NSpid %v, the helpers say %d on the host and %d in %s",
					numbers, answer.HostProcess, answer.Process, me.Namespace)
			}
			t.Trials(1)
		}
		t.Submit()
	})
})
