// Package pidns asks whether a BPF program can tell a container's process by the
// number that it has in there: bpf_get_ns_current_pid_tgid, in which namespaces
// and from which program types.
package pidns

import (
	"errors"
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/pidns"
)

func TestMain(m *testing.M) {
	if pidns.IsChild() {
		os.Exit(pidns.ChildMain())
	}
	os.Exit(m.Run())
}

func TestPidns(t *testing.T) { evidence.Run(t, "pidns") }

// trials is how often a spec of this size asks of each thread.
func trials() int {
	switch evidence.Size() {
	case evidence.Quick:
		return 5
	case evidence.Soak:
		return 1000
	}
	return 50
}

// spawn starts a child so many pid namespaces deep.
func spawn(depth int) *pidns.Child {
	GinkgoHelper()
	child, err := pidns.Spawn(depth)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(child.Close)
	return child
}

// call is a system call of a child.
type call func() (pidns.Caller, error)

// first and other are calls of getpgid(2) from a child's first thread and from another.
func first(c *pidns.Child) call { return func() (pidns.Caller, error) { return c.Getpgid(false) } }
func other(c *pidns.Child) call { return func() (pidns.Caller, error) { return c.Getpgid(true) } }

// own is who the child is, by its own account.
func own(c *pidns.Child) pidns.Caller {
	GinkgoHelper()
	caller, err := first(c)()
	Expect(err).NotTo(HaveOccurred())
	return caller
}

// ask has the program ask for a namespace while a process of the host makes a
// call. A program may be skipped where another one, or itself, was preempted on
// its CPU: then the call is made again.
func ask(asker *pidns.Asker, host int, ns pidns.Namespace, do call) (pidns.Answer, pidns.Caller) {
	GinkgoHelper()
	var caller pidns.Caller
	for range 10 {
		answer, err := asker.Ask(host, ns, func() (err error) {
			caller, err = do()
			return err
		})
		if errors.Is(err, pidns.ErrUnasked) {
			continue
		}
		Expect(err).NotTo(HaveOccurred())
		return answer, caller
	}
	Fail(pidns.ErrUnasked.Error() + ", ten times")
	return pidns.Answer{}, caller
}

// judge finds an answer that is not who the caller is.
func judge(t *evidence.Tally, trial int, got pidns.Answer, want pidns.Caller) {
	switch {
	case got.Err != nil:
		t.Found(trial, event.Changed, "process %d of %s asks for its own namespace: %v", want.Process, want.Namespace, got.Err)
	case got.Process != want.Process || got.Thread != want.Thread:
		t.Found(trial, event.Miscounted, "process %d, thread %d of %s is told that it is process %d, thread %d",
			want.Process, want.Thread, want.Namespace, got.Process, got.Thread)
	}
}
