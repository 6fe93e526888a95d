package features

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// tracefs is where it is mounted (Documentation/trace/ftrace.rst).
const tracefs = "/sys/kernel/tracing/"

// Tracers reads which tracers ftrace has.
func Tracers() event.Features {
	f := event.Features{Section: event.Tracers}
	text, err := os.ReadFile(tracefs + "available_tracers")
	if err != nil {
		f.Lack = reason(err)
		return f
	}
	f.Yes = strings.Fields(string(text))
	return f
}

// Tracepoints reads which tracepoints there are, one part a subsystem.
// Subsystems of modules that are not loaded have none.
func Tracepoints() []event.Features {
	text, err := os.ReadFile(tracefs + "available_events")
	var parts []event.Features
	if err == nil {
		parts, err = tracepoints(string(text))
	}
	if err != nil {
		return []event.Features{{Section: event.Tracepoints, Lack: reason(err)}}
	}
	return parts
}

// tracepoints parses lines like sched:sched_process_exit.
func tracepoints(text string) ([]event.Features, error) {
	var parts []event.Features
	for line := range strings.Lines(text) {
		subsystem, name, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			return nil, fmt.Errorf("read tracepoints: no subsystem in %q", line)
		}
		at := slices.IndexFunc(parts, func(f event.Features) bool { return f.Of == subsystem })
		if at < 0 {
			at = len(parts)
			parts = append(parts, event.Features{Section: event.Tracepoints, Of: subsystem})
		}
		parts[at].Yes = append(parts[at].Yes, name)
	}
	return parts, nil
}
