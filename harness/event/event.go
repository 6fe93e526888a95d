// Package event holds the records that guest and host share: one JSON object
// a line, streamed out of the guest as things happen. Each channel has one
// writer: PID 1 writes the control channel, the running suite writes the event
// channel. A begun spec without an end, or a control channel without its final
// record, means that the guest died there.
//
// The package imports the standard library only, so that both sides of the VM
// can depend on it.
package event

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Kind says what a record reports.
type Kind string

// Kinds on the control channel, written by PID 1.
const (
	Boot       Kind = "boot"        // PID 1 runs; Release, Text = kernel banner
	Module     Kind = "module"      // one module loaded, or not: Name, Error
	SuiteStart Kind = "suite-start" // Suite; its process is about to start
	SuiteExit  Kind = "suite-exit"  // Suite, Code, Signal, Seconds
	Output     Kind = "output"      // Suite, Text: what its process wrote to stdout and stderr, as it comes
	GuestError Kind = "guest-error" // PID 1 could not do its part: Error
	Done       Kind = "done"        // last record; without it the guest died
)

// Kinds on the event channel, written by the suite.
const (
	SuiteBegin Kind = "suite-begin" // Suite, Specs = planned, Size, Seed
	SpecBegin  Kind = "spec-begin"  // Spec, Labels
	Phase      Kind = "phase"       // Name, Seconds: a span worth a figure (bpf-load, …)
	Alive      Kind = "alive"       // Spec, Trials: how far a long spec is, every few seconds
	Finding    Kind = "finding"     // Spec, Symptom, Text, Data: one violation
	Untestable Kind = "untestable"  // Spec (or the whole suite when empty), Text: what the kernel lacks
	SpecEnd    Kind = "spec-end"    // Spec, State, Seconds, Trials, Failures, Text, Where
	SuiteEnd   Kind = "suite-end"   // State, Seconds
)

// Spec and suite states, as in Ginkgo.
const (
	Passed      = "passed"
	Failed      = "failed"
	Skipped     = "skipped"
	Panicked    = "panicked"
	TimedOut    = "timedout"
	Interrupted = "interrupted"
)

// Symptom classifies a finding. A case file names the symptoms by which its
// bug shows; a spec that fails with any other symptom is not charged to the case.
type Symptom string

const (
	StaleEntry   Symptom = "stale-entry"   // a map entry at rest whose socket is gone
	Exists       Symptom = "eexist"        // BPF_NOEXIST update refused with -EEXIST
	UpdateFailed Symptom = "update-failed" // map update refused with another errno
	WrongHandler Symptom = "wrong-handler" // a recvmsg went to a handler it should not have
	Stuck        Symptom = "stuck"         // request sent, no answer by the deadline
	Crossed      Symptom = "crossed"       // bytes of one connection were read on another
	Bypassed     Symptom = "not-bypassed"  // payload seen on the wire that should have been redirected
	NotAccepted  Symptom = "connect-error" // the connection itself could not be made or was reset
	NeverFreed   Symptom = "never-freed"   // a netns, device or socket outlives all that held it
	FIONREAD     Symptom = "fionread"      // FIONREAD disagrees with what can be read
	Delayed      Symptom = "delayed"       // it took far longer than the control beside it
	Broke        Symptom = "broke"         // a connection was ended that nobody meant
	Unseen       Symptom = "unseen"        // what had to be observed was not: an event, a wake-up, a counter
	Miscounted   Symptom = "miscounted"    // a number is not what the workload itself counted
	Changed      Symptom = "changed"       // a behaviour that must not change is another
	Other        Symptom = "other"         // an assertion failed that recorded no finding
)

// Symptoms are all that a finding can have: Other has none.
var Symptoms = []Symptom{
	StaleEntry, Exists, UpdateFailed, WrongHandler, Stuck, Crossed, Bypassed, NotAccepted,
	NeverFreed, FIONREAD, Delayed, Broke, Unseen, Miscounted, Changed,
}

// Record is one line on a channel. Which fields a kind uses stands at the kind.
type Record struct {
	Kind     Kind            `json:"kind"`
	Time     float64         `json:"t"` // seconds since the guest booted (CLOCK_BOOTTIME)
	Suite    string          `json:"suite,omitempty"`
	Spec     string          `json:"spec,omitempty"` // container texts and It text joined by a space
	Name     string          `json:"name,omitempty"`
	Labels   []string        `json:"labels,omitempty"`
	Release  string          `json:"release,omitempty"`
	State    string          `json:"state,omitempty"`
	Symptom  Symptom         `json:"symptom,omitempty"`
	Text     string          `json:"text,omitempty"`
	Where    string          `json:"where,omitempty"` // file:line of a failed assertion
	Error    string          `json:"error,omitempty"`
	Size     string          `json:"size,omitempty"`
	Seed     int64           `json:"seed,omitempty"`
	Specs    int             `json:"specs,omitempty"`
	Trials   int             `json:"trials,omitempty"`   // connections asked
	Failures int             `json:"failures,omitempty"` // connections that violated an invariant
	Code     int             `json:"code,omitempty"`
	Signal   string          `json:"signal,omitempty"`
	Seconds  float64         `json:"seconds,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// MaxLine bounds one record on the wire, in bytes. Longer texts are cut by the writer.
const MaxLine = 64 << 10

// maxText bounds the free-text fields, so that a record stays below MaxLine.
const maxText = 8 << 10

// Writer streams records. The zero value discards them; safe for concurrent use.
type Writer struct {
	W io.Writer

	mu sync.Mutex
}

// Write sends one record as one line with one write call, stamped with the
// guest's uptime if it carries no time of its own.
func (w *Writer) Write(r Record) error {
	if w.W == nil {
		return nil
	}
	if r.Time == 0 {
		r.Time = Now()
	}
	r.Text, r.Error = clip(r.Text), clip(r.Error)
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s record: %w", r.Kind, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.W.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write %s record: %w", r.Kind, err)
	}
	return nil
}

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + "… (cut)"
}

// Read parses a channel. A line that is no record (a torn write of a dying
// guest, say) is returned in bad and never stops the reading.
func Read(r io.Reader) (records []Record, bad []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4*MaxLine)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			continue
		}
		var rec Record
		if json.Unmarshal(line, &rec) != nil || rec.Kind == "" {
			bad = append(bad, string(line))
			continue
		}
		records = append(records, rec)
	}
	if err := lines.Err(); err != nil {
		return records, bad, fmt.Errorf("read records: %w", err)
	}
	return records, bad, nil
}

// Round cuts a duration to milliseconds, in seconds, as records carry it.
func Round(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}
