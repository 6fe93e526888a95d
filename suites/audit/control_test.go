package audit

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// No kernel at hand has the bug, so this shows that the suite would see it: the
// same wait in the kernel (netlink_attachskb), for a socket that sends without
// a time limit, is found to be stuck, and ends once somebody reads.
var _ = Describe("control: a netlink sender without a time limit", func() {
	It("is seen to be stuck, and goes on when its receiver reads", func() {
		from, to := userSocket(), userSocket()
		Expect(unix.SetsockoptInt(to, unix.SOL_SOCKET, unix.SO_RCVBUF, 0)).To(Succeed())
		own, err := unix.Getsockname(to)
		Expect(err).NotTo(HaveOccurred())
		port := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: own.(*unix.SockaddrNetlink).Pid}
		data := make([]byte, 800)
		for err == nil {
			err = unix.Sendto(from, data, unix.MSG_DONTWAIT, port)
		}
		Expect(err).To(MatchError(unix.EAGAIN))

		t := evidence.NewTally()
		r := begin(func() error { return unix.Sendto(from, data, 0, port) })
		t.Trials(1)
		if !r.within(300 * time.Millisecond) {
			t.Found(0, event.Stuck, "as it must be")
		}
		Expect(t.Count(event.Stuck)).To(Equal(1))
		Eventually(func() chan struct{} {
			_, _, _ = unix.Recvfrom(to, data, unix.MSG_DONTWAIT) // nothing left to read: it is on its way
			return r.ended
		}, limit()).Should(BeClosed())
		Expect(r.err).NotTo(HaveOccurred())
		evidence.NewTally().Watch().Trials(1)
	})
})

// userSocket is a netlink socket for messages between processes.
func userSocket() int {
	GinkgoHelper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(unix.Close, fd)
	Expect(unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})).To(Succeed())
	return fd
}
