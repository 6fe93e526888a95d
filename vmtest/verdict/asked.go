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
	Known    []Known
}

// Known is an outcome of one spec that is expected, other than a pass. The spec
// runs all the same, and a pass is then as unexpected as a failure otherwise.
type Known struct {
	Suite, Spec string
	Expect      Verdict // Fail or Untestable
	Why         string  // who says so, and for what reason
}

// Sought is a known bug to look for.
type Sought struct {
	Case   string
	Specs  []SoughtSpec
	Splats []string // titles as Scan makes them, each of which shows the bug
	Hang   bool     // the bug shows as a machine without a sign of life
	Expect Verdict  // Affected, Unaffected, Untestable, or "" where nobody knows
	Why    string   // the reason to expect something else than the corpus does, if there is one
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
