package lab

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// How many connections and entries of a spec are recorded whole; the others are
// counted (event.Coverage).
const (
	keptGood    = 1
	keptBad     = 24
	keptEntries = 24
)

// end is an end of a connection.
type end int

const (
	client end = iota
	server
)

func (e end) String() string { return [...]string{"client", "server"}[e] }

// watched is a connection that has been judged.
type watched struct {
	probe.Outcome
	handlers [2][]observe.Handler // by end
	symptoms []event.Symptom
}

func (w *watched) found(s event.Symptom) {
	if !slices.Contains(w.symptoms, s) {
		w.symptoms = append(w.symptoms, s)
	}
}

// journal is what a spec's records are made of when it is over, and every
// socket is closed. Safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	missed   map[string]uint64 // by the observer, until reset
	coverage event.Coverage
	good     int // of kept
	kept     []watched
	entries  []accel.Entry
}

// reset begins anew; missed is what the observer has missed until now.
func (j *journal) reset(missed map[string]uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.missed = missed
	j.kept, j.entries, j.good = nil, nil, 0
	j.coverage = event.Coverage{
		Classes: map[string]int{}, Clients: map[string]int{}, Servers: map[string]int{},
		Updates: map[string]int{}, Lost: map[string]int{},
	}
}

// add counts a connection, and keeps it if it is bad or one of the first.
func (j *journal) add(w watched) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.coverage.Connections++
	j.coverage.Classes[string(w.Class)]++
	count(j.coverage.Clients, w.handlers[client])
	count(j.coverage.Servers, w.handlers[server])
	bad := len(w.symptoms) > 0
	switch {
	case !bad && j.good < keptGood:
		j.good++
	case !bad, len(j.kept)-j.good >= keptBad:
		return
	}
	j.kept = append(j.kept, w)
}

// count counts the handlers of a socket, in the order of first use.
func count(in map[string]int, handlers []observe.Handler) {
	var symbols []string
	for _, h := range handlers {
		symbols = append(symbols, h.Symbol)
	}
	if len(symbols) > 0 {
		in[strings.Join(symbols, " > ")]++
	}
}

// stale keeps entries that were found at rest. Of several looks the one counts
// that found most: each was a finding.
func (j *journal) stale(entries []accel.Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(entries) < j.coverage.Entries {
		return
	}
	j.coverage.Entries = len(entries)
	// By port, as connections mostly come: so both are kept of the same ones.
	byPort := slices.SortedFunc(slices.Values(entries), func(a, b accel.Entry) int {
		return cmp.Compare(a.ClientPort(), b.ClientPort())
	})
	j.entries = byPort[:min(len(byPort), keptEntries)]
}
