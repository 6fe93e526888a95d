package vmtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// tailLines is how much of the console exit.json carries.
const tailLines = 20

// follower understands what a VM says while it says it. Its methods are safe
// for use by the channels' goroutines.
type follower struct {
	artefacts string // folder for what the suites print
	progress  func(Progress)
	start     time.Time

	mu     sync.Mutex
	now    Progress
	last   time.Time // of the last byte on any channel
	booted bool
	asked  time.Time // when PID 1 was asked to end the suite
	done   time.Time // when the Done record came
	tail   []string
	output map[string]*os.File
	err    error // first failure of the host
	news   chan struct{}
}

func newFollower(artefacts string, progress func(Progress)) *follower {
	now := time.Now()
	return &follower{
		artefacts: artefacts, progress: progress, start: now, last: now,
		now: Progress{Phase: phaseBoot}, output: map[string]*os.File{}, news: make(chan struct{}, 1),
	}
}

// begin says that the VM starts now.
func (f *follower) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.last = time.Now(), time.Now()
}

// onComplaint takes what QEMU prints. Most of it is harmless; this is how a KVM
// that cannot run the guest looks, and QEMU does not end then.
func (f *follower) onComplaint(text string) {
	if strings.Contains(text, "KVM internal error") {
		f.fail(fmt.Errorf("qemu: %s", strings.TrimSpace(text)))
	}
}

// state is what the watch needs to know.
type state struct {
	start, last, asked, done time.Time
	booted                   bool
	err                      error
}

func (f *follower) state() state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return state{f.start, f.last, f.asked, f.done, f.booted, f.err}
}

func (f *follower) onBytes() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = time.Now()
}

// ask notes that PID 1 was asked to end the suite.
func (f *follower) ask() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = time.Now()
}

// fail records that the host could not do its part. The first one counts.
func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.wake()
}

// wake makes the watch look again.
func (f *follower) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *follower) onConsole(line []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tail = append(f.tail, string(line))
	if extra := len(f.tail) - tailLines; extra > 0 {
		f.tail = slices.Delete(f.tail, 0, extra)
	}
}

// onRecord takes a line of the control or the event channel. A line that is no
// record stays in the file and says nothing here.
func (f *follower) onRecord(line []byte) {
	var rec event.Record
	if json.Unmarshal(line, &rec) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.take(rec) {
		return
	}
	f.wake()
	if f.progress != nil {
		f.now.Elapsed = time.Since(f.start)
		f.progress(f.now)
	}
}

// take applies a record and tells whether it is news.
func (f *follower) take(rec event.Record) bool {
	switch rec.Kind {
	case event.Boot:
		f.booted = true
		f.now.Phase = phaseModules
	case event.SuiteStart:
		f.now = Progress{Phase: rec.Suite}
	case event.Output:
		f.print(rec)
		return false
	case event.Done:
		f.done = time.Now()
		f.now.Phase, f.now.Spec = phaseDone, ""
	case event.SuiteBegin:
		f.now.Planned = rec.Specs
	case event.SpecBegin:
		f.now.Spec = rec.Spec
	case event.SpecEnd:
		f.now.Spec = ""
		f.now.Ended++
		if rec.State != event.Passed && rec.State != event.Skipped {
			f.now.Failed++
		}
	default:
		return false
	}
	return true
}

// print adds to artefacts/SUITE.log what a suite printed.
func (f *follower) print(rec event.Record) {
	file := f.output[rec.Suite]
	if file == nil {
		var err error
		if file, err = os.Create(filepath.Join(f.artefacts, filepath.Base(rec.Suite)+".log")); err != nil {
			f.lost(err)
			return
		}
		f.output[rec.Suite] = file
	}
	if _, err := file.WriteString(rec.Text); err != nil {
		f.lost(err)
	}
}

// lost is fail for who holds the lock.
func (f *follower) lost(err error) {
	if f.err == nil {
		f.err = err
	}
	f.wake()
}

func (f *follower) close() {
	for _, file := range f.output {
		file.Close()
	}
}
