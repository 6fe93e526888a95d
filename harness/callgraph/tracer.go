// Package callgraph records what the kernel calls below a function, by the
// function_graph tracer of the kernel itself (Documentation/trace/ftrace.rst),
// and gives it as lines that can be compared.
//
// A suite traces a request that is answered and one that is not, in one go: to
// switch the tracer on and off takes seconds under emulation, for every
// function of the kernel is patched.
//
//	tracer, err := callgraph.Open(callgraph.Recvmsg...)
//	if err != nil {
//		return err // says what the kernel lacks
//	}
//	recording, err := tracer.Trace(func() error {
//		good, stuck = ask(1), ask(2)
//		return nil
//	})
//	// m is a moment of kind recvmsg of one end's socket
//	if g, ok := recording.At(m.Thread, m.T); ok {
//		record.T, record.Thread = g.Start, g.Thread
//		record.Lines, record.Cut = g.Lines(400)
//	}
//
// The tracer is one for the whole machine. It sees every thread of every
// process and network namespace; a graph has the thread's id, and its times
// are on the clock of event.Uptime. What is no call but chance (interrupts,
// page faults, task switches, the allocator's slow paths, probes) is left out
// of the lines.
package callgraph

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Recvmsg are the functions to trace for what a recvmsg on a TCP socket calls.
//
// The handlers are among them for kernels before 5.16: there the tracer passes
// over a function that has a BPF program on its entry or exit (fentry, fexit),
// so that graphs may begin a level below inet_recvmsg. This ended with
// 0c0593b45c9b ("x86/ftrace: Make function graph use ftrace directly").
var Recvmsg = []string{"inet_recvmsg", "inet6_recvmsg", "tcp_recvmsg", "tcp_bpf_recvmsg"}

// Files of tracefs, and what to write to them.
const (
	tracefs       = "/sys/kernel/tracing"
	currentTracer = "current_tracer"
	functionGraph = "function_graph"
	noTracer      = "nop"
	tracingOn     = "tracing_on"
	graphFunction = "set_graph_function"
)

// Tracer traces functions.
type Tracer struct {
	dir       string
	functions []string
}

// Open checks that the kernel can trace these functions. An error says what it
// lacks.
func Open(functions ...string) (*Tracer, error) {
	return open(tracefs, functions)
}

func open(dir string, functions []string) (t *Tracer, err error) {
	t = &Tracer{dir: dir, functions: functions}
	all, err := t.read("available_tracers")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find tracefs (CONFIG_FTRACE; is it mounted?): %w", err)
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(strings.Fields(all), functionGraph) {
		return nil, fmt.Errorf("find tracer %s: the kernel has %s (CONFIG_FUNCTION_GRAPH_TRACER)", functionGraph, strings.TrimSpace(all))
	}
	var s settings
	if err := errors.Join(t.choose(&s), s.undo()); err != nil {
		return nil, err
	}
	return t, nil
}

// choose tells the kernel which functions to trace.
func (t *Tracer) choose(s *settings) error {
	others, err := t.read(graphFunction)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(others, "#") { // "#### all functions enabled ####"
		return fmt.Errorf("take the kernel's tracer: it is set to trace %s", strings.Join(strings.Fields(others), ", "))
	}
	if err := s.set(t.path(graphFunction), ""); err != nil {
		return err
	}
	for _, name := range t.functions {
		if err := appendLine(t.path(graphFunction), name); err != nil {
			return fmt.Errorf("trace %s (has the kernel such a function?): %w", name, err)
		}
	}
	return nil
}

// Trace runs f and returns the calls of the functions that were made meanwhile,
// by f or anybody else. All settings are as before when it returns, even if f
// panics. The error is that of f, or of the tracer.
func (t *Tracer) Trace(f func() error) (r Recording, err error) {
	var s settings
	defer func() { err = errors.Join(err, s.undo()) }()
	if err := t.prepare(&s); err != nil {
		return r, err
	}
	if err := write(t.path(tracingOn), "1"); err != nil {
		return r, err
	}
	failed := f()
	if err := write(t.path(tracingOn), "0"); err != nil {
		return r, errors.Join(failed, err)
	}
	r, err = t.recording()
	return r, errors.Join(failed, err)
}

// prepare sets everything but the switch.
func (t *Tracer) prepare(s *settings) error {
	tracer, err := t.read(currentTracer)
	if err != nil {
		return err
	}
	if tracer := strings.TrimSpace(tracer); tracer != noTracer {
		return fmt.Errorf("take the kernel's tracer: it is in use (%s)", tracer)
	}
	if err := s.set(t.path(tracingOn), "0"); err != nil {
		return err
	}
	if err := t.choose(s); err != nil {
		return err
	}
	for _, o := range options {
		if err := s.set(t.path(o.file), o.value); err != nil {
			return err
		}
	}
	return s.set(t.path(currentTracer), functionGraph) // empties the buffer, too
}

// Bounds of a trace.
const (
	maxDepth   = 30      // levels of calls, the traced function's among them; what is deeper is not recorded
	bufferSize = 2 << 10 // of each CPU in KiB: some 40,000 calls
)

// options make the trace what Parse reads, and bound it.
var options = []struct{ file, value string }{
	{"trace_clock", "boot"}, // CLOCK_BOOTTIME
	{"buffer_size_kb", strconv.Itoa(bufferSize)},
	{"max_graph_depth", strconv.Itoa(maxDepth)},
	{"options/overwrite", "0"}, // a full buffer keeps the calls that were first, whole
	{"options/funcgraph-abstime", "1"},
	{"options/funcgraph-cpu", "1"},
	{"options/funcgraph-proc", "1"},
	{"options/funcgraph-tail", "1"},
	{"options/funcgraph-irqs", "0"},
	{"options/funcgraph-duration", "0"},
	{"options/funcgraph-overhead", "0"},
}

// recording reads the trace, and what the buffers of the CPUs had no room for.
func (t *Tracer) recording() (r Recording, err error) {
	f, err := os.Open(t.path("trace"))
	if err != nil {
		return r, fmt.Errorf("open trace: %w", err)
	}
	defer f.Close()
	if r, err = Parse(f); err != nil {
		return r, err
	}
	lost := 0
	all, err := filepath.Glob(t.path("per_cpu/cpu*/stats"))
	if err != nil {
		return r, fmt.Errorf("find statistics of trace buffers: %w", err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			return r, fmt.Errorf("read statistics of a trace buffer: %w", err)
		}
		lost += lostIn(string(text))
	}
	r.Lost = max(r.Lost, lost)
	return r, nil
}

// lostIn adds up the events that a buffer's statistics report as lost.
func lostIn(stats string) (n int) {
	for line := range strings.Lines(stats) {
		what, count, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if what == "overrun" || what == "commit overrun" || what == "dropped events" {
			lost, _ := strconv.Atoi(count)
			n += lost
		}
	}
	return n
}

func (t *Tracer) path(file string) string { return filepath.Join(t.dir, file) }

func (t *Tracer) read(file string) (string, error) {
	text, err := os.ReadFile(t.path(file))
	if err != nil {
		return "", fmt.Errorf("read tracer setting: %w", err)
	}
	return string(text), nil
}
