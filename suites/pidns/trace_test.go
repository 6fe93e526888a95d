package pidns

import (
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/pidns"
)

// krepro's own output: who connects from within a container.
var _ = It("krepro trace connect names a container's process by the machine's number and by its own", func() {
	if lack := conntrace.Lacks(os.DirFS("/"), os.Geteuid()); lack != "" {
		evidence.Untestable(lack)
	}
	t := evidence.NewTally().Watch()
	tracer, err := conntrace.Open()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(tracer.Close)
	child, err := pidns.Spawn(1)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(child.Close)
	caller, refused := child.Connect("127.0.0.1:1")
	Expect(refused).To(MatchError(ContainSubstring("refused")))

	tracer.SetDeadline(time.Now().Add(evidence.Stretch(5 * time.Second)))
	seen, err := tracer.Read()
	for err == nil && int(seen.Process) != child.Host() {
		seen, err = tracer.Read()
	}
	Expect(err).NotTo(HaveOccurred(), "no failed connect of process %d was traced", child.Host())
	t.Trials(1)
	if len(seen.Contained) != 1 || seen.Contained[0] != caller.Process {
		t.Found(0, event.Miscounted, "process %d, %d by its own account, is traced as %v", child.Host(), caller.Process, seen.Contained)
	}
	if own, err := pidns.Self(); err != nil || own.Process == caller.Process {
		t.Found(0, event.Unseen, "the child's number %d tells nothing: the suite has it too (%v)", caller.Process, err)
	}
	t.Submit()
})
