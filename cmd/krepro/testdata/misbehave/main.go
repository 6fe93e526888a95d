// Command misbehave is a suite that does not come to a good end, in the way
// that its name says. It writes records as a suite does.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/krepro/krepro/harness/event"
)

const spec = "misbehaves in mid-spec"

func main() {
	port, err := os.OpenFile(os.Getenv(event.EnvEvents), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
	suite := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	if suite == "mute" {
		return
	}
	w := &event.Writer{W: port}
	records := []event.Record{
		{Kind: event.SuiteBegin, Suite: suite, Specs: 2},
		{Kind: event.SpecBegin, Suite: suite, Spec: "passes"},
		{Kind: event.SpecEnd, Suite: suite, Spec: "passes", State: event.Passed, Trials: 3},
		{Kind: event.SpecBegin, Suite: suite, Spec: spec},
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			panic(err)
		}
	}
	time.Sleep(200 * time.Millisecond) // the records are out
	behave(suite)
}

func behave(how string) {
	switch how {
	case "panic": // of the kernel
		if err := os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0); err != nil {
			panic(err)
		}
	case "die":
		panic("the suite's own fault")
	case "hang":
		time.Sleep(time.Hour)
	case "gorge":
		var all [][]byte
		for {
			chunk := make([]byte, 16<<20)
			for i := 0; i < len(chunk); i += 4096 {
				chunk[i] = 1
			}
			all = append(all, chunk)
		}
	}
}
