package pidns

import (
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/pidns"
)

var _ = Describe("bpf_get_ns_current_pid_tgid", func() {
	var asker *pidns.Asker
	BeforeEach(func() {
		var err error
		asker, err = pidns.OpenGetpgid()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(asker.Close)
	})

	It("gives a process in a child namespace its own numbers, from each of its threads", func() {
		t, child := evidence.NewTally().Watch(), spawn(1)
		for trial := range trials() {
			for _, do := range []call{first(child), other(child)} {
				answer, caller := ask(asker, child.Host(), own(child).Namespace, do)
				Expect(answer.HostProcess).NotTo(Equal(caller.Process), "the host's number and its own: nothing can be told")
				judge(t, trial, answer, caller)
				t.Trials(1)
			}
		}
		t.Submit()
	})

	It("gives a process two namespaces down the numbers of the innermost", func() {
		t, child := evidence.NewTally().Watch(), spawn(2)
		me := own(child)
		host, err := me.Namespace.Host(me.Process)
		Expect(err).NotTo(HaveOccurred())
		for trial := range trials() {
			answer, caller := ask(asker, host, me.Namespace, other(child))
			judge(t, trial, answer, caller)
			t.Trials(1)
		}
		t.Submit()
	})

	It("is EINVAL for every namespace but the caller's own: one further in, one further out, none", func() {
		t, child := evidence.NewTally().Watch(), spawn(2)
		outer, err := pidns.Own()
		Expect(err).NotTo(HaveOccurred())
		middle, err := pidns.Of(child.Host())
		Expect(err).NotTo(HaveOccurred())
		inner := own(child)
		host, err := inner.Namespace.Host(inner.Process)
		Expect(err).NotTo(HaveOccurred())
		foreign := inner.Namespace
		foreign.Dev++

		for trial, c := range []struct {
			who  string
			host int
			do   call
			ns   pidns.Namespace
			what string
		}{
			{"the host's process", os.Getpid(), ourselves, inner.Namespace, "the child's namespace"},
			{"the child", host, first(child), middle, "its parent's namespace"},
			{"the child", host, first(child), outer, "the host's namespace"},
			{"the child", host, first(child), foreign, "its own inode on another device"},
		} {
			answer, _ := ask(asker, c.host, c.ns, c.do)
			if answer.Err != unix.EINVAL {
				t.Found(trial, event.Changed, "%s asks for %s: process %d, thread %d, error %v; want EINVAL",
					c.who, c.what, answer.Process, answer.Thread, answer.Err)
			}
			t.Trials(1)
		}
		t.Submit()
	})

	It("gives a process of the host the host's numbers: control", Label("control"), func() {
		t := evidence.NewTally().Watch()
		ns, err := pidns.Own()
		Expect(err).NotTo(HaveOccurred())
		answer, caller := ask(asker, os.Getpid(), ns, ourselves)
		judge(t, 0, answer, caller)
		t.Trials(1)
		t.Submit()

		found, child := evidence.NewTally(), spawn(1)
		judge(found, 0, answer, own(child))
		judge(found, 1, pidns.Answer{Err: unix.EINVAL}, caller)
		Expect(found.Count(event.Miscounted)).To(Equal(1), "another process's numbers: %s", found.Summary())
		Expect(found.Count(event.Changed)).To(Equal(1), "EINVAL: %s", found.Summary())
	})
})

// ourselves is a call of getpgid(2) from this process.
func ourselves() (pidns.Caller, error) { return pidns.Self() }
