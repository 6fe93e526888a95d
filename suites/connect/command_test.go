package connect

import (
	"bufio"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// The command itself, where it is on board.
var _ = Describe("krepro trace connect", Label("command"), func() {
	command := os.Getenv(event.EnvCommand)
	if command == "" {
		return
	}
	It("prints a connect as it fails, and counts at the end", func() {
		cmd := exec.Command(command, "trace", "connect", "--json")
		stdout, err := cmd.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		stderr, err := cmd.StderrPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { cmd.Process.Kill() })
		said := bufio.NewReader(stderr)
		Expect(said.ReadString('\n')).To(Equal("tracing connects; Ctrl-C ends it\n"))

		const n = 3
		events := json.NewDecoder(stdout)
		for i := range n {
			a := start(pair.Client, netip.AddrPort{}, netip.AddrPortFrom(pair.Server.V4, closedPort+uint16(i)))
			a.wait(longEnough()).close()
			Expect(a.errno()).To(Equal(unix.ECONNREFUSED))
			var e event.Connect
			Expect(events.Decode(&e)).To(Succeed())
			Expect(a.agrees(e)).To(BeTrue(), "%+v is not %s", e, a)
			Expect(e.Stack).NotTo(BeEmpty())
		}
		Expect(cmd.Process.Signal(syscall.SIGINT)).To(Succeed())
		Expect(said.ReadString('\n')).To(Equal("3 connects sent a SYN, 0 were answered; 3 failed; 0 SYNs were sent again\n"))
		Expect(io.ReadAll(stdout)).To(BeEmpty())
		Expect(cmd.Wait()).To(Succeed())
		evidenceOf(n)
	})
})
