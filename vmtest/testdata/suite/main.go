// Command suite stands in for a compiled suite: its argument says how it behaves.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/krepro/krepro/harness/event"
)

func main() {
	if os.Args[1] == "sleep" {
		time.Sleep(time.Hour)
	}
	file, err := os.OpenFile(os.Getenv(event.EnvEvents), os.O_WRONLY, 0)
	check(err)
	events := &event.Writer{W: file}
	check(events.Write(event.Record{Kind: event.SuiteBegin, Specs: 2}))
	check(events.Write(event.Record{Kind: event.SpecBegin, Spec: "first"}))
	check(events.Write(event.Record{Kind: event.SpecEnd, Spec: "first", State: event.Passed}))
	check(events.Write(event.Record{Kind: event.SpecBegin, Spec: "second"}))
	fmt.Println("environment:", strings.Join(os.Environ(), " "))
	behave(os.Args[1])
	check(events.Write(event.Record{Kind: event.SpecEnd, Spec: "second", State: event.Passed}))
	check(events.Write(event.Record{Kind: event.SuiteEnd, State: event.Passed}))
}

func behave(how string) {
	switch how {
	case "pass":
	case "fail":
		os.Exit(3)
	case "abort":
		check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
		select {}
	case "hang":
		time.Sleep(time.Hour)
	case "stubborn":
		signal.Ignore(syscall.SIGQUIT)
		time.Sleep(time.Hour)
	case "panic":
		check(os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0))
		time.Sleep(time.Hour)
	case "halt": // the kernel is there and does nothing any more
		check(syscall.Reboot(syscall.LINUX_REBOOT_CMD_HALT))
	case "orphan": // leaves a process behind that holds its output open
		child := exec.Command("/proc/self/exe", "sleep")
		child.Stdout = os.Stdout
		check(child.Start())
	case "loud":
		for i := range 40_000 {
			fmt.Printf("line %d of very many\n", i)
		}
	default:
		check(fmt.Errorf("unknown behaviour %q", how))
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
}
