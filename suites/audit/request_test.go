package audit

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/audit"
	"github.com/krepro/krepro/harness/evidence"
)

// request is a request on its way.
type request struct {
	ended chan struct{}
	took  time.Duration // once it has ended
	err   error
}

// begin makes a request on a thread of its own.
func begin(f func() error) *request {
	r := &request{ended: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer close(r.ended)
		start := time.Now()
		r.err = f()
		r.took = time.Since(start)
	}()
	return r
}

// within tells whether it ends in time.
func (r *request) within(d time.Duration) bool {
	select {
	case <-r.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// daemon registers this process as the audit daemon, over a socket that is ready.
func daemon(d *audit.Client) {
	GinkgoHelper()
	Expect(d.Set(audit.Pid, audit.Status{Pid: uint32(os.Getpid())})).To(Succeed())
}

// fill sends records until the daemon's buffer is full, and has not taken the
// latest for a while. It does not always come to that by itself:
//
//   - Records that the kernel was about to send to the daemon before this one
//     wait until there is another. So more are sent.
//   - When the kernel finds that daemon's socket gone, it may take this one for
//     gone, too (seen on 6.12.117). Then it registers again.
//   - A small record may have come first, beside which no large one has room, but
//     the message of AUDIT_SET has. Then the buffer is emptied, for a large one.
func fill(d *audit.Client) {
	GinkgoHelper()
	const burst, bytes = 20, 800
	user, text, was := open(), strings.Repeat("x", bytes), 0
	defer user.Close()
	Eventually(func() bool {
		queued, full, registered := look(d, user)
		rests := queued > 0 && queued == was
		was = queued
		if rests && full && registered {
			return true
		}
		if rests || !registered {
			_, err := d.Drain()
			Expect(err).NotTo(HaveOccurred())
		}
		if !registered {
			daemon(d)
		}
		for range burst {
			Expect(user.User(text)).To(Succeed())
		}
		return false
	}, evidence.Stretch(10*time.Second), 50*time.Millisecond).Should(BeTrue())
}

// look tells how much a daemon's buffer holds, whether it is full, and whether
// there is a daemon.
func look(d, user *audit.Client) (queued int, full, registered bool) {
	GinkgoHelper()
	queued, err := d.Queued()
	Expect(err).NotTo(HaveOccurred())
	full, err = d.Full()
	Expect(err).NotTo(HaveOccurred())
	status, err := user.Get()
	Expect(err).NotTo(HaveOccurred())
	return queued, full, status.Pid > 0
}

// resign asks to be the daemon no longer.
func resign(admin *audit.Client) *request {
	return begin(func() error { return admin.Set(audit.Pid, audit.Status{}) })
}

// trial is a resignation, and what another user asks in its midst.
type trial struct {
	set, get           *request
	setStuck, getStuck bool // had to be helped, by reading what the daemon should have
}

// waited tells whether the daemon's buffer was in the way at all. The kernel's
// own limit, where it has one, is 100 ms.
func (t trial) waited() bool { return t.set.took > 50*time.Millisecond }

// trialsOf makes trials until there are enough in which the buffer was full,
// which a daemon that the kernel took for gone makes of none.
func trialsOf(tally *evidence.Tally, judge func(i int, t trial)) {
	GinkgoHelper()
	for made, i := 0, 0; made < trials() && i < 3*trials(); i++ {
		if t := resignFull(); t.waited() {
			tally.Trials(1)
			judge(made, t)
			made++
		}
	}
}

// resignFull has a daemon resign whose buffer is full. Whatever becomes of it,
// both requests have ended when it returns.
func resignFull() (t trial) {
	GinkgoHelper()
	d, other, admin := open(), open(), open()
	Expect(d.Narrow()).To(Succeed())
	daemon(d)
	fill(d)
	t.set = resign(admin)
	time.Sleep(20 * time.Millisecond) // it is in the kernel
	t.get = begin(func() error { _, err := other.Get(); return err })
	deadline := time.Now().Add(limit())
	t.setStuck = !t.set.within(time.Until(deadline))
	t.getStuck = !t.get.within(max(0, time.Until(deadline)))
	Eventually(func(g Gomega) {
		_, err := d.Drain()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(t.set.ended).To(BeClosed())
		g.Expect(t.get.ended).To(BeClosed())
	}, 4*limit(), 10*time.Millisecond).Should(Succeed())
	Expect(errors.Join(d.Close(), other.Close(), admin.Close())).To(Succeed())
	return t
}
