package probes

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/cost"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// A function that tasks stay in for as long as one likes: accept(2) without a
// connection.
const blocking = "inet_csk_accept"

var _ = Describe("a kretprobe on a function that 5 tasks are in at a time", Label("overrun"), func() {
	const tasks = 5

	It("sees the return of as many as it has room for", func() {
		t := evidence.NewTally().Watch()
		for room := 1; room <= tasks; room++ {
			p := load(cost.Kretprobe, blocking)
			p.Room = room
			block(tasks, p)
			t.Trials(1)
			if seen := hits(p); seen != room {
				t.Found(room, event.Changed, "room for %d of %d tasks, the program ran %d times", room, tasks, seen)
			}
		}
		t.Submit()
	})

	It("says in kprobe_profile how many it missed", func() {
		t := evidence.NewTally().Watch()
		for _, room := range []int{2, tasks} {
			p := load(cost.Kretprobe, blocking)
			p.Room = room
			missed := block(tasks, p)
			t.Trials(1)
			if missed != uint64(tasks-room) {
				t.Found(room, event.Unseen, "room for %d of %d tasks, kprobe_profile says that %d were missed", room, tasks, missed)
			}
		}
		t.Submit()
	})
})

var _ = Describe("kretprobes of this kernel", Label("machinery"), func() {
	It("are of a known make, and their room is shown", func() {
		const tasks = 40
		how, err := cost.Machinery()
		Expect(err).NotTo(HaveOccurred())
		p := load(cost.Kretprobe, blocking)
		block(tasks, p)
		text := fmt.Sprintf("kept in: %s\nroom by default on %d CPU: at least %d tasks (%d were in a function at a time)\n",
			how, runtime.NumCPU(), hits(p), tasks)
		Expect(evidence.Figures("kretprobes", text, []event.Figure{{Name: "room", Value: float64(hits(p)), Unit: "tasks"}})).To(Succeed())
		Expect(hits(p)).To(BeNumerically(">", 0))
		evidence.NewTally().Watch().Trials(tasks)
	})
})

// block attaches a kretprobe, has so many tasks in accept(2) at a time, lets them
// go and detaches it. It returns how many the kernel says it missed, if the
// kretprobe has a room that was asked for.
func block(tasks int, p *cost.Probe) (missed uint64) {
	GinkgoHelper()
	entered := load(cost.Kprobe, blocking)
	Expect(entered.Attach()).To(Succeed())
	Expect(p.Attach()).To(Succeed())
	fd, err := listen()
	Expect(err).NotTo(HaveOccurred())
	var all sync.WaitGroup
	for range tasks {
		all.Go(func() {
			runtime.LockOSThread()
			unix.Accept(fd) // ends with EINVAL as the listener does
		})
	}
	release := sync.OnceFunc(func() {
		unix.Shutdown(fd, unix.SHUT_RDWR)
		all.Wait()
		unix.Close(fd)
	})
	defer release()
	Eventually(func() int { return hits(entered) }, evidence.Stretch(20*time.Second), time.Millisecond).Should(Equal(tasks))
	release()
	if p.Room > 0 {
		missed, err = p.Missed()
		Expect(err).NotTo(HaveOccurred())
	}
	Expect(p.Detach()).To(Succeed())
	Expect(entered.Detach()).To(Succeed())
	return missed
}

// listen opens a blocking listener in a namespace of its own.
func listen() (fd int, err error) {
	GinkgoHelper()
	n, err := netlab.NewNetns("probes")
	if err != nil {
		return 0, err
	}
	DeferCleanup(n.Close)
	err = n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
			err = unix.Listen(fd, 1)
		}
		return err
	})
	return fd, err
}
