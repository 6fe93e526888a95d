package explain

import (
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// restView is the map at rest, after one spec.
type restView struct {
	Spec    string
	Shown   bool // of the typical connection's spec: shown at once
	Entries []entryView
}

// entryView is one entry with what its history tells.
type entryView struct {
	event.Entry
	Owner string
	Since float64           // when its socket went into CLOSE, seconds since boot; 0: not known
	How   chain.Destruction // and by which way
	Stack string            // anchor of the stack that tells
}

// For is how long its socket had been in CLOSE, seconds.
func (e entryView) For() float64 { return e.T - e.Since }

func restViews(r Report) []restView {
	var out []restView
	for _, su := range r.Evidence.Suites {
		for _, sp := range su.Specs {
			if len(sp.Entries) == 0 {
				continue
			}
			v := restView{Spec: sp.Name, Shown: r.tells(su, sp)}
			for _, e := range sp.Entries {
				v.Entries = append(v.Entries, entryViewOf(e, su))
			}
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b restView) int { return firstOf(a.Shown, b.Shown) })
	return out
}

func entryViewOf(e event.Entry, su Suite) entryView {
	v := entryView{Entry: e, Owner: chain.Owner(e), How: chain.Destruction{Way: chain.ByUnknown}}
	if e.Socket == nil {
		return v
	}
	for _, m := range e.Socket.Moments {
		if m.Kind == event.MomentState && m.To == "CLOSE" {
			v.Since, v.How, v.Stack = m.T, chain.Destroyed(su.Stacks[m.Stack].Frames), stackAnchor(su.Name, m.Stack)
		}
	}
	return v
}

// tells whether the story's connection is of this spec.
func (r Report) tells(su Suite, sp Spec) bool {
	c := r.Story.Typical
	return c != nil && c.Suite == su.Name && c.Spec == sp.Name
}

// firstOf orders what is shown at once before what is not.
func firstOf(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
