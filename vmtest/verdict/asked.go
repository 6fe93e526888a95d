package verdict

import "github.com/krepro/krepro/harness/event"

// Asked is what a run asks of one kernel. It comes from the invocation, not
// from the evidence: a suite that left no trace was asked for all the same.
type Asked struct {
	Suites []string // by name, in the order they run
	// Filtered says that the caller chose among the specs (a label filter, a
	// focus). Specs left out by it were not asked for, nor is a case none of
	// whose specs was chosen.
	Filtered bool
	Sought   []Sought
}

// Sought is a known bug to look for.
type Sought struct {
	Case   string
	Specs  []SoughtSpec
	Splats []string // titles as Scan makes them, each of which shows the bug
	Hang   bool     // the bug shows as a machine without a sign of life
	Expect Verdict  // Affected, Unaffected, or "" where nobody knows
}

// SoughtSpec is a spec that shows a bug.
type SoughtSpec struct {
	Suite, Spec string
	Symptoms    []event.Symptom // how it fails when it shows the bug
	Must        bool            // it shows the bug for certain; otherwise it may
	Trials      int             // fewer cannot tell; at least 1 is always needed
}

// must are the specs that show the bug for certain.
func (s Sought) must() []SoughtSpec {
	var out []SoughtSpec
	for _, spec := range s.Specs {
		if spec.Must {
			out = append(out, spec)
		}
	}
	return out
}
