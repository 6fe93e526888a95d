package bisect

import (
	"fmt"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/stats"
)

// How the end with the bug is measured.
const (
	enough     = 30      // failures give a rate that is no more than twice too low
	mostBoots  = 8       // for that; a bug that crashes shows once in each
	mostTrials = 10_000  // that an end is asked to see the bug at all, or to see it often enough
	mostNeed   = 200_000 // trials that a good answer may cost
)

// ends asks both ends and makes the plan.
func (r *run) ends() error {
	bad, err := r.look()
	if err != nil {
		return err
	}
	k, n, err := r.measure(bad)
	if err != nil {
		return err
	}
	if r.place, err = r.Walk.Start(); err != nil {
		return err
	}
	p := newPlan(r.Confidence, r.place.Left, k, n)
	r.res.Plan = &p
	r.Say("%s (rounds: %d)", p, r.rounds(p.Need))
	if p.Need > mostNeed {
		return Ended(Unsure, "the bug is too rare to tell: %d of %s trials at %s; a good answer would need %s", k, report.Thousands(n), bad.kernel, report.Thousands(p.Need))
	}
	good := r.other(bad)
	r.Say("%s: %s, %s trials if it is good", good.part, good.kernel, report.Thousands(p.Need))
	if r.trials(good.part, good.kernel) >= p.Need {
		return nil
	}
	s, err := r.reach(good.part, good.kernel, p.Need)
	if err == nil {
		err = settled(good, s)
	}
	if err == nil && s.Answer == Bad {
		err = Ended(NoChange, "both ends have the bug: %s in %d of %d trials, %s in %d of %d",
			r.Old.Short(), r.failed(r.Old), r.all(r.Old), r.New.Short(), r.failed(r.New), r.all(r.New))
	}
	return err
}

// end is one of the two.
type end struct {
	part   string
	kernel Kernel
}

func (r *run) other(e end) end {
	if e.part == OldEnd {
		return end{NewEnd, r.New}
	}
	return end{OldEnd, r.Old}
}

// settled says why an end has no answer of its own; nil if it has.
func settled(e end, s Step) error {
	switch {
	case s.Answer == Skip:
		return Ended(NoChange, "the %s cannot be asked: %s: %s: %s", e.part, e.kernel, s.Verdict, s.Reason)
	case s.Same != "":
		return Ended(NoChange, "both ends are the same code: nothing that is built differs")
	}
	return nil
}

// look finds the end that has the bug, with more and more rounds. Where the bug
// is to be is known, unless it is the ends that tell; the other end is looked at
// too, so that ends which are the wrong way round are seen at once.
func (r *run) look() (end, error) {
	first := end{OldEnd, r.Old}
	if r.Find == Break {
		first = end{NewEnd, r.New}
	}
	for rounds := 1; ; rounds *= 4 {
		asked := false
		for _, e := range []end{first, r.other(first)} {
			left := mostTrials - r.all(e.kernel)
			if left <= 0 || rounds > MostRounds {
				continue
			}
			asked = true
			r.Say("%s: %s", e.part, e.kernel)
			s, err := r.ask(e.part, e.kernel, min(rounds, r.rounds(left)), true)
			if err == nil {
				err = settled(e, s)
			}
			if err != nil {
				return e, err
			}
			if s.Answer == Bad {
				return e, r.turned(e)
			}
		}
		if !asked {
			return first, r.unseen(first)
		}
	}
}

// turned holds the end that has the bug against what is sought.
func (r *run) turned(bad end) error {
	found := Break
	if bad.part == OldEnd {
		found = Fix
	}
	if r.Find != "" && r.Find != found {
		good := r.other(bad)
		return Ended(NoChange, "the ends are the wrong way round: the %s, %s, has the bug (%d of %d trials), and the %s, %s, does not show it (0 of %d)",
			bad.part, bad.kernel, r.failed(bad.kernel), r.all(bad.kernel), good.part, good.kernel, r.all(good.kernel))
	}
	r.Find, r.res.Find = found, found
	return nil
}

// unseen says what it means that neither end has shown the bug.
func (r *run) unseen(e end) error {
	n, other := r.all(e.kernel), r.other(e)
	text := fmt.Sprintf("the bug does not show at the %s, %s: 0 of %s trials, so its rate is below %s (99 %%)",
		e.part, e.kernel, report.Thousands(n), percent(stats.Most(0, n, 0.99)))
	return Ended(Unsure, "%s; nor at the %s, %s: 0 of %s", text, other.part, other.kernel, report.Thousands(r.all(other.kernel)))
}

// measure asks the end with the bug until its rate is known well enough.
func (r *run) measure(bad end) (k, n int, err error) {
	for boots := 1; ; boots++ {
		k, n = r.failed(bad.kernel), r.all(bad.kernel)
		if k >= enough || n >= mostTrials || boots >= mostBoots {
			return k, n, nil
		}
		more := min((enough-k)*n/max(1, k), mostTrials-n)
		s, err := r.ask(bad.part, bad.kernel, r.rounds(more), false)
		if err != nil {
			return k, n, err
		}
		if err := settled(bad, s); err != nil {
			return k, n, err
		}
	}
}

// all are the trials of a kernel so far, failed those that failed.
func (r *run) all(k Kernel) (n int) {
	for _, s := range r.res.Steps {
		if s.Kernel.ID == k.ID {
			n += s.Trials
		}
	}
	return n
}

func (r *run) failed(k Kernel) (n int) {
	for _, s := range r.res.Steps {
		if s.Kernel.ID == k.ID {
			n += s.Failures
		}
	}
	return n
}
