package verdict

import (
	"io/fs"

	"github.com/krepro/krepro/harness/event"
)

// Result is all that one VM's folder says.
type Result struct {
	Kernel  event.Kernel `json:"kernel"`
	Exit    *event.Exit  `json:"exit"` // null: never written
	Boot    float64      `json:"boot"` // guest uptime when PID 1 reported, seconds; 0: never
	Torn    int          `json:"torn"` // lines of the channels that are no record
	Console Judgement    `json:"console"`
	Splats  []Splat      `json:"splats"`
	Suites  []Suite      `json:"suites"`
	Cases   []Case       `json:"cases"`
	Code    int          `json:"code"` // exit code for this kernel: see Worst
}

// Suite is what one suite found.
type Suite struct {
	Name string `json:"name"`
	Judgement
	Size    string  `json:"size,omitempty"`
	Seed    int64   `json:"seed,omitempty"`
	Planned int     `json:"planned"` // specs it meant to run
	Seconds float64 `json:"seconds"`
	Specs   []Spec  `json:"specs"`
	Phases  []Phase `json:"phases"`
	Case    string  `json:"case,omitempty"` // the case that explains why it has no end
}

// Spec is what one spec found.
type Spec struct {
	Name string `json:"name"`
	Judgement
	Labels   []string        `json:"labels,omitempty"`
	State    string          `json:"state,omitempty"` // as the suite reported it; "" = no end
	Seconds  float64         `json:"seconds"`
	Rounds   int             `json:"rounds,omitempty"` // runs alike that this stands for, if several
	Rate     Rate            `json:"rate"`
	Symptoms []event.Symptom `json:"symptoms,omitempty"`
	Findings []string        `json:"findings,omitempty"` // one line each, the first few
	Where    string          `json:"where,omitempty"`    // file:line of the assertion
	Text     string          `json:"text,omitempty"`     // its message, whole
	Lost     map[string]int  `json:"lost,omitempty"`     // what observers could not keep, by observer
	Figures  []Figures       `json:"figures,omitempty"`  // what it measured besides
	Case     string          `json:"case,omitempty"`     // the case that explains its failure
	Expect   Verdict         `json:"expect,omitempty"`   // if that is not a pass
	Why      string          `json:"why,omitempty"`      // it is expected
}

// Case is the answer for one known bug.
type Case struct {
	Name string `json:"name"`
	Judgement
	Expect Verdict `json:"expect,omitempty"`
	Why    string  `json:"why,omitempty"` // that is expected, if the corpus expects something else
	Met    bool    `json:"met"`           // what was expected, or nothing was and the answer is clear
	Rate   Rate    `json:"rate"`
}

// maxFindings bounds the findings that a result repeats; the events have all.
const maxFindings = 5

// Of judges one VM's folder.
func Of(fsys fs.FS, asked Asked) Result {
	e := read(fsys)
	e.charge(asked.Suites)
	r := Result{Kernel: e.kernel, Exit: e.exit, Boot: e.boot, Torn: e.torn,
		Splats: []Splat{}, Suites: []Suite{}, Cases: []Case{}}
	for _, c := range asked.Sought {
		ok := true
		if asked.Filtered {
			c, ok = e.chosen(c)
		}
		if !ok {
			continue
		}
		r.Cases = append(r.Cases, e.judgeCase(c))
	}
	for _, name := range asked.Suites {
		r.Suites = append(r.Suites, e.judgeSuite(name, asked.Filtered))
	}
	if asked.Filtered {
		r.Suites = e.chosenSuites(r.Suites)
	}
	r.Console = e.judgeConsole()
	r.Splats = append(r.Splats, collapse(e.splats)...)
	r.explain(asked.Sought)
	r.expect(asked.Known)
	r.Code = r.code()
	return r
}
