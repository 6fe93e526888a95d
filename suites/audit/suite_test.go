// Package audit asks whether an audit daemon that does not read can hold up the
// audit subsystem. To give up the daemon's place, or to take it, AUDIT_SET sends
// the old daemon a message (audit_replace), with the lock held that every request
// takes. If the daemon's receive buffer is full, it waits there: before
// f4b3ee3c8555 for as long as nobody reads, so that in the end every process that
// has to do with auditing hangs.
package audit

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/audit"
	"github.com/krepro/krepro/harness/evidence"
)

func TestAudit(t *testing.T) { evidence.Run(t, "audit") }

// What the suite changes of the audit subsystem is as before when it ends.
var _ = BeforeSuite(func() {
	c := open()
	was, err := c.Get()
	if lacks(err) {
		evidence.Untestable("an audit subsystem that this process may set")
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(was.Pid).To(BeZero(), "there is an audit daemon already")
	const parts = audit.Enabled | audit.BacklogLimit | audit.BacklogWaitTime
	DeferCleanup(func() { Expect(c.Set(parts, was)).To(Succeed()) })
	// Records count only while auditing is on; a long queue that nobody waits for
	// keeps their sender out of what is asked.
	Expect(c.Set(parts, audit.Status{Enabled: 1, BacklogLimit: 4096})).To(Succeed())
})

// lacks tells whether there is no audit subsystem, or none for this process.
func lacks(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT)
}

// limit is how long a request may take before it is called stuck. Where the
// kernel bounds its wait, it is a tenth of a second.
func limit() time.Duration { return evidence.Stretch(5 * time.Second) }

// open opens a socket, which ends with the spec.
func open() *audit.Client {
	GinkgoHelper()
	c, err := audit.Open()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.Close)
	Expect(c.Timeout(limit())).To(Succeed())
	return c
}

func trials() int {
	return map[string]int{evidence.Quick: 3, evidence.Default: 20, evidence.Soak: 1000}[evidence.Size()]
}
