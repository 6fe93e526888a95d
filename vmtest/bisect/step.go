package bisect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Answer is what a kernel says of the bug.
type Answer string

// The answers.
const (
	Good Answer = "good" // free of it
	Bad  Answer = "bad"  // it has it
	Skip Answer = "skip" // nobody can tell
)

// AnswerOf reads the code of a judgement, which is below 128.
func AnswerOf(code int) Answer {
	switch code {
	case verdict.CodeGood:
		return Good
	case verdict.CodeSkip:
		return Skip
	}
	return Bad
}

// Find is the change that is sought.
type Find string

// What can be sought.
const (
	Break Find = "break" // the change that brought the bug
	Fix   Find = "fix"   // the change that fixed it
)

// Side is a side of the change.
type Side string

// The sides.
const (
	Old     Side = "old"
	New     Side = "new"
	Neither Side = "skip"
)

// Side tells on which side of the change a kernel with this answer is.
func (f Find) Side(a Answer) Side {
	switch {
	case a == Skip:
		return Neither
	case (a == Bad) == (f == Break):
		return New
	}
	return Old
}

// Kernel is a place in a history: a commit, or a kernel that is there already.
type Kernel struct {
	ID      string `json:"id"` // the commit's hash, or a reference
	Subject string `json:"subject,omitempty"`
	Author  string `json:"author,omitempty"`
	Date    string `json:"date,omitempty"`
	// Parents are the IDs of what it was made on.
	Parents []string `json:"parents,omitempty"`
}

var hash = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// short is how a table names something: the beginning of a hash, or the whole.
func short(id string) string {
	if hash.MatchString(id) {
		return id[:12]
	}
	return strings.TrimPrefix(id, "debian:")
}

// Short names the kernel in a table, and as a file.
func (k Kernel) Short() string { return short(k.ID) }

// String names the kernel to people.
func (k Kernel) String() string { return strings.TrimSpace(k.Short() + " " + k.Subject) }

// Parts of a bisection.
const (
	OldEnd = "old end"
	NewEnd = "new end"
	Middle = "step"
	Again  = "again"
)

// Step is one kernel asked once: one boot.
type Step struct {
	Part     string          `json:"part"`
	Kernel   Kernel          `json:"kernel"`
	Code     string          `json:"code,omitempty"` // hash of what is booted: alike, and it is the same kernel
	Rounds   int             `json:"rounds"`
	Trials   int             `json:"trials"`
	Failures int             `json:"failures"`
	Answer   Answer          `json:"answer"`
	Verdict  verdict.Verdict `json:"verdict"`
	Reason   string          `json:"reason"`
	Same     string          `json:"same,omitempty"` // ID of the kernel with the same code that answered in its place
	Seconds  float64         `json:"seconds"`        // with the build
	Dir      string          `json:"dir,omitempty"`  // its evidence, below the bisection's folder
}

// joined makes one step of the boots of a kernel in one part.
func joined(steps []Step) []Step {
	var out []Step
	for _, s := range steps {
		i := slices.IndexFunc(out, func(o Step) bool { return o.Part == s.Part && o.Kernel.ID == s.Kernel.ID })
		if i < 0 {
			out = append(out, s)
			continue
		}
		o := &out[i]
		o.Rounds, o.Trials, o.Failures, o.Seconds = o.Rounds+s.Rounds, o.Trials+s.Trials, o.Failures+s.Failures, o.Seconds+s.Seconds
		if o.Answer == Good || s.Answer == Skip {
			o.Answer, o.Verdict, o.Reason = s.Answer, s.Verdict, s.Reason
		}
	}
	return out
}
