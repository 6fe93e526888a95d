package conntrace

import (
	"fmt"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// Line is an event for people, without its time and its stack:
//
//	retry 1  198.18.0.1:41000 > 198.18.0.9:80  after 1.024 s  curl 1234
//	failed   198.18.0.1:41000 > 198.18.0.9:80  after 3.072 s, 1 retry: ETIMEDOUT  curl 1234
func Line(e event.Connect) string {
	what, how := fmt.Sprintf("retry %d", e.Retries), ""
	if e.Kind == event.ConnectFailed {
		what, how = "failed", ending(e)
	}
	return fmt.Sprintf("%-8s %s > %s  after %.3f s%s  %s %s", what, e.Local, e.Remote, e.T-e.Began, how, e.Command, process(e))
}

// process is the machine's number of a process, and its own in its container.
func process(e event.Connect) string {
	if len(e.Contained) == 0 {
		return fmt.Sprint(e.Process)
	}
	return fmt.Sprintf("%d (%d in its pid namespace)", e.Process, e.Contained[len(e.Contained)-1])
}

// ending is how a connect failed.
func ending(e event.Connect) string {
	why := e.Errno
	if why == "" {
		why = "closed while it waited for an answer"
	}
	switch e.Retries {
	case 0:
		return ": " + why
	case 1:
		return ", 1 retry: " + why
	}
	return fmt.Sprintf(", %d retries: %s", e.Retries, why)
}

// Trace is a stack for people, a line for each frame.
func Trace(stack []event.Frame) string {
	var b strings.Builder
	for _, f := range stack {
		switch {
		case f.Symbol == "":
			fmt.Fprintf(&b, "    %s\n", f.Address)
		case f.Module == "":
			fmt.Fprintf(&b, "    %s+%#x\n", f.Symbol, f.Offset)
		default:
			fmt.Fprintf(&b, "    %s+%#x [%s]\n", f.Symbol, f.Offset, f.Module)
		}
	}
	return b.String()
}
