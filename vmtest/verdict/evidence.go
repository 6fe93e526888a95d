package verdict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// notStarted is the code of a suite-exit record, with an error, of a suite that
// PID 1 could not start.
const notStarted = 127

// maxSaid bounds what is kept of a suite's output, in bytes: a Go program that
// dies prints why first and then the stacks of all goroutines.
const maxSaid = 256 << 10

// The files of one VM's folder.
const (
	KernelFile  = "kernel.json"
	ExitFile    = "exit.json"
	ConsoleFile = "console.log"
	ControlFile = "control.jsonl"
	EventsFile  = "events.jsonl"
)

// evidence is one VM's folder, read.
type evidence struct {
	kernel event.Kernel
	exit   *event.Exit // nil: the host never got to write it

	boot   float64                 // uptime when PID 1 reported, seconds; 0: never
	exited map[string]event.Record // suite-exit by suite, of its latest round
	said   map[string]string       // end of what each suite printed
	guest  string                  // PID 1's own complaint, if any
	suites map[string]*suite
	torn   int // lines that are no record

	splats []Splat
	oom    string // process the guest's OOM killer chose, if any
	lost   string // why the evidence as a whole cannot be trusted, if so
}

// read takes in a folder. What is absent or unreadable becomes part of the
// evidence, so there is no error.
func read(fsys fs.FS) *evidence {
	e := &evidence{exited: map[string]event.Record{}, said: map[string]string{}, suites: map[string]*suite{}}
	e.note(decode(fsys, KernelFile, &e.kernel))
	var exit event.Exit
	if err := decode(fsys, ExitFile, &exit); err != nil {
		e.note(err)
	} else {
		e.exit = &exit
	}
	control, err := records(fsys, ControlFile, &e.torn)
	e.note(err)
	e.readControl(control)
	events, err := records(fsys, EventsFile, &e.torn)
	e.note(err)
	e.readEvents(events)
	e.note(e.readConsole(fsys))
	return e
}

// note keeps the first reason not to trust the evidence.
func (e *evidence) note(err error) {
	if err != nil && e.lost == "" {
		e.lost = err.Error()
	}
}

func decode(fsys fs.FS, name string, into any) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read evidence: decode %s: %w", name, err)
	}
	return nil
}

func records(fsys fs.FS, name string, torn *int) ([]event.Record, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	recs, bad, err := event.Read(bytes.NewReader(data))
	if err != nil {
		return recs, fmt.Errorf("read evidence: %s: %w", name, err)
	}
	*torn += len(bad)
	return recs, nil
}

func (e *evidence) readControl(recs []event.Record) {
	for _, r := range recs {
		switch r.Kind {
		case event.Boot:
			e.boot = max(r.Time, 0.001) // it did boot, whatever its clock says
		case event.SuiteStart:
			delete(e.exited, r.Suite) // a further round of it: not over yet
		case event.SuiteExit:
			e.exited[r.Suite] = r
			if r.Code == notStarted && r.Error != "" {
				e.guest = r.Error
			}
		case event.Output:
			said := e.said[r.Suite] + r.Text
			e.said[r.Suite] = said[max(0, len(said)-maxSaid):]
		case event.GuestError:
			e.guest = r.Error
		}
	}
}

// readConsole scans for splats. A silent console is a lost channel only if the
// kernel is known to have come up: one that never did may have said nothing.
func (e *evidence) readConsole(fsys fs.FS) error {
	console, err := fs.ReadFile(fsys, ConsoleFile)
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	if e.splats, err = Scan(console); err != nil && e.boot > 0 {
		return err
	}
	for _, l := range split(console) {
		if m := oom.FindStringSubmatch(l.text); m != nil {
			e.oom = m[1]
		}
	}
	return nil
}

// ended tells whether the VM stopped for one of these reasons.
func (e *evidence) ended(reasons ...string) bool {
	return e.exit != nil && slices.Contains(reasons, e.exit.Reason)
}

// hostFault says how the host failed this VM; "" if it did not.
func (e *evidence) hostFault() string {
	switch {
	case e.ended(event.ExitHost):
		return e.exit.Error
	case e.guest != "":
		return "PID 1: " + e.guest
	case e.lost != "" && !e.ended(event.ExitCancelled):
		return e.lost
	case e.exit != nil && !slices.Contains(reasons, e.exit.Reason):
		return fmt.Sprintf("exit.json: unknown reason %q", e.exit.Reason)
	}
	return ""
}

// reasons are all the ways in which a VM can end.
var reasons = []string{event.ExitDone, event.ExitBootDeadline, event.ExitSilence, event.ExitDeadline,
	event.ExitDied, event.ExitCancelled, event.ExitHost, event.ExitBuild}
