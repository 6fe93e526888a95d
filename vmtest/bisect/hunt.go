package bisect

import (
	"errors"
	"fmt"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Hunt is a bisection to be done.
type Hunt struct {
	Find       Find // "": the ends tell
	Old, New   Kernel
	Confidence float64
	Walk       Walk
	// Build makes a kernel ready and says what code it is, "" if nobody knows.
	Build func(Kernel) (code string, err error)
	// Try boots it and asks so many rounds, or fewer if one fails.
	Try func(k Kernel, rounds int, untilFailure bool) (Step, error)
	// Keep is told each step as it is done.
	Keep func(Step) error
	// Done are the steps of an earlier attempt at the same hunt.
	Done []Step
	// Say tells people how it goes.
	Say func(format string, args ...any)
}

// Outcome is how a bisection ended.
type Outcome string

// The outcomes.
const (
	Found     Outcome = "found"      // First is the first kernel on the new side
	Range     Outcome = "range"      // one of First is, and none of them could be asked
	NoCulprit Outcome = "no-culprit" // First and the kernel before it are the same code
	NoChange  Outcome = "no-change"  // the ends do not differ as they should
	Unsure    Outcome = "unsure"     // the bug is too rare, or an answer did not come out a second time
)

// Result is what a bisection found.
type Result struct {
	Outcome    Outcome  `json:"outcome"`
	Code       int      `json:"code"` // exit code
	Find       Find     `json:"find,omitempty"`
	Text       string   `json:"text"` // the answer in a sentence
	First      []Kernel `json:"first,omitempty"`
	Before     []Kernel `json:"before,omitempty"`
	Plan       *Plan    `json:"plan,omitempty"`
	Confidence float64  `json:"confidence,omitempty"` // of a change that was found
	Steps      []Step   `json:"steps"`
}

// noAnswer ends a hunt.
type noAnswer struct {
	outcome Outcome
	text    string
}

func (n *noAnswer) Error() string { return n.text }

// Ended is the error with which a walk ends a hunt that has no answer.
func Ended(o Outcome, format string, args ...any) error {
	return &noAnswer{o, fmt.Sprintf(format, args...)}
}

// Run does the hunt. An error is one that the caller's functions returned, or
// says that the steps of an earlier attempt belong to another hunt; a hunt that
// finds nothing has a Result that says so. The steps are there in any case.
func (h Hunt) Run() (Result, error) {
	r := &run{Hunt: h, res: Result{Find: h.Find, Steps: []Step{}}}
	err := r.ends()
	if err == nil {
		err = r.walk()
	}
	if err == nil {
		err = r.confirm()
	}
	var none *noAnswer
	switch {
	case err == nil:
		r.res.Outcome, r.res.Text = Found, r.res.found()
	case errors.As(err, &none):
		r.res.Outcome, r.res.Text, r.res.Code = none.outcome, none.text, verdict.CodeSkip
	default:
		return r.res, err
	}
	if r.res.Outcome == Found || r.res.Outcome == Range {
		r.res.Confidence = r.res.Plan.sure(r.res.Steps)
	}
	return r.res, nil
}

// run is a hunt under way.
type run struct {
	Hunt
	res   Result
	place Place
	round int // trials of a round
}

// MostRounds bounds the rounds of a boot, so that a stop loses little.
const MostRounds = 100

// ask takes the next step of the earlier attempt, if there is one; else it
// boots the kernel, unless the same code has answered before.
func (r *run) ask(part string, k Kernel, rounds int, untilFailure bool) (Step, error) {
	if len(r.Done) > 0 {
		s := r.Done[0]
		if r.Done = r.Done[1:]; s.Part != part || s.Kernel.ID != k.ID {
			return s, fmt.Errorf("go on with a bisection: its next step was %s of %s, now it is %s of %s", s.Part, short(s.Kernel.ID), part, k.Short())
		}
		return r.took(s), nil
	}
	code, err := r.Build(k)
	if err != nil {
		return Step{}, err
	}
	s, same := r.known(part, k, code)
	if !same {
		if s, err = r.Try(k, max(1, min(rounds, MostRounds)), untilFailure); err != nil {
			return s, err
		}
	}
	s.Part, s.Kernel, s.Code = part, k, code
	if err := r.Keep(s); err != nil {
		return s, err
	}
	r.Say("  %s", s.says())
	return r.took(s), nil
}

// took notes a step.
func (r *run) took(s Step) Step {
	r.res.Steps = append(r.res.Steps, s)
	if s.Rounds > 0 && s.Trials > 0 && r.round == 0 {
		r.round = max(1, s.Trials/s.Rounds)
	}
	return s
}

// known is the answer of a kernel with the same code: bad if it ever was. A
// kernel that is asked again has to answer for itself.
func (r *run) known(part string, k Kernel, code string) (s Step, ok bool) {
	if code == "" || part == Again {
		return s, false
	}
	for _, o := range r.res.Steps {
		if o.Code == code && o.Kernel.ID != k.ID && o.Same == "" && s.Answer != Bad {
			s, ok = o, true
		}
	}
	s.Same = s.Kernel.ID
	s.Rounds, s.Trials, s.Failures, s.Seconds, s.Dir = 0, 0, 0, 0, ""
	return s, ok
}

// reach asks a kernel until it fails, or has passed so many trials in this part.
func (r *run) reach(part string, k Kernel, need int) (Step, error) {
	have := r.trials(part, k)
	for {
		s, err := r.ask(part, k, r.rounds(need-have), true)
		if err != nil || s.Answer != Good || s.Same != "" {
			return s, err
		}
		if have += s.Trials; have >= need {
			return s, nil
		}
		if s.Trials == 0 {
			return s, Ended(Unsure, "%s passed without a single trial", k)
		}
	}
}

// rounds make at least so many trials.
func (r *run) rounds(trials int) int { return (trials + max(1, r.round) - 1) / max(1, r.round) }

// trials are those of a kernel in a part, all passed.
func (r *run) trials(part string, k Kernel) (n int) {
	for _, s := range r.res.Steps {
		if s.Part == part && s.Kernel.ID == k.ID {
			n += s.Trials
		}
	}
	return n
}

// walk asks between the ends until one kernel is left.
func (r *run) walk() (err error) {
	for r.place.Next.ID != "" {
		k := r.place.Next
		need := r.res.Plan.need(r.res.Plan.spent(r.res.Steps), halvings(r.place.Left))
		r.Say("%s: %d left, %s trials if it is good", k, r.place.Left, report.Thousands(need))
		s, err := r.reach(Middle, k, need)
		if err != nil {
			return err
		}
		if r.place, err = r.Walk.Tell(k, r.res.Find.Side(s.Answer)); err != nil {
			return err
		}
	}
	if r.res.First, r.res.Before = r.place.First, r.place.Before; len(r.res.First) != 1 {
		return Ended(Range, "%s is one of %d: the others could not be asked", r.res.Find.change(), len(r.res.First))
	}
	return nil
}

// change names what is sought.
func (f Find) change() string {
	if f == Fix {
		return "the first without the bug"
	}
	return "the first with the bug"
}
