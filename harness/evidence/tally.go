package evidence

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
)

// perSymptom bounds the findings of one symptom that are kept word for word; the rest are counted.
const perSymptom = 8

// Finding is one violation of an invariant by one connection.
type Finding struct {
	Trial   int
	Symptom event.Symptom
	Text    string
}

// Tally counts a spec's trials and keeps what went wrong in them. It is plain
// data until Submit; safe for concurrent use.
type Tally struct {
	mu       sync.Mutex
	trials   int
	bad      map[int]bool // trials with at least one finding
	findings []Finding
	counts   map[event.Symptom]int
	watched  bool
	said     time.Time // when it last said how far it is
}

// NewTally returns an empty tally.
func NewTally() *Tally {
	return &Tally{bad: map[int]bool{}, counts: map[event.Symptom]int{}}
}

// alive is how often a watched tally says how far it is: well within the
// silence after which a VM is taken for hung.
const alive = 10 * time.Second

// Trials adds so many trials.
func (t *Tally) Trials(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trials += n
	if t.watched && time.Since(t.said) > alive {
		t.said = time.Now()
		write(event.Record{Kind: event.Alive, Spec: currentSpec(), Trials: t.trials})
	}
}

// Found enters a violation, charged to a trial.
func (t *Tally) Found(trial int, s event.Symptom, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bad[trial] = true
	t.counts[s]++
	if t.counts[s] <= perSymptom {
		t.findings = append(t.findings, Finding{trial, s, fmt.Sprintf(format, args...)})
	}
}

// Count is how many violations of a symptom were found.
func (t *Tally) Count(s event.Symptom) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[s]
}

func (t *Tally) failures() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.bad)
}

// Watch makes this the tally of the running spec: its trials go into the
// spec's end record however the spec ends.
func (t *Tally) Watch() *Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watched, t.said = true, time.Now()
	stream.tally = t
	return t
}

// Submit streams the findings and fails the spec if there are any, or if no
// trial was made: a spec that asked nothing has not passed.
func (t *Tally) Submit() {
	ginkgo.GinkgoHelper()
	t.Watch()
	if t.trials == 0 {
		ginkgo.Fail("no trial was made")
	}
	if len(t.counts) == 0 {
		return
	}
	for _, f := range t.findings {
		write(event.Record{Kind: event.Finding, Spec: currentSpec(), Symptom: f.Symptom, Text: f.Text, Data: t.data(f)})
	}
	ginkgo.Fail(t.Summary())
}

// findingData is the Data of a Finding record.
type findingData struct {
	Trial int `json:"trial"`
	Of    int `json:"of"` // findings of this symptom in the spec, those not streamed included
}

func (t *Tally) data(f Finding) json.RawMessage {
	b, _ := json.Marshal(findingData{f.Trial, t.counts[f.Symptom]}) // two ints cannot fail
	return b
}

// Summary says how many trials went wrong, and how.
func (t *Tally) Summary() string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(t.counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", s, t.counts[s]))
	}
	s := fmt.Sprintf("%d of %d trials violated an invariant: %s", t.failures(), t.trials, strings.Join(parts, ", "))
	if len(t.findings) > 0 {
		s += "\nfirst: " + t.findings[0].Text
	}
	return s
}
