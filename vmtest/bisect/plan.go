package bisect

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/krepro/krepro/vmtest/stats"
)

// boundShare is the part of the risk that goes to the bound of the rate; the
// rest is for good answers that are wrong.
const boundShare = 0.25

// Plan is what trials cost and buy, from the failures at the end with the bug.
//
// The risk is 1 - Confidence. A quarter of it pays for Rate, the exact lower
// bound (Clopper–Pearson) of the chance that the bug strikes a trial. The rest
// pays for good answers: one that rests on n trials is wrong with a chance of
// at most (1-Rate)^n. A bad answer costs nothing: it has been seen.
type Plan struct {
	Confidence float64 `json:"confidence"`
	Candidates int     `json:"candidates"` // how many may be the first on the new side
	Failures   int     `json:"failures"`   // at the end with the bug,
	Trials     int     `json:"trials"`     // of so many trials
	Rate       float64 `json:"rate"`       // lower bound
	Steps      int     `json:"steps"`      // kernels between the ends that must be asked, at most
	Need       int     `json:"need"`       // trials of the first good answer; others need as many or fewer
}

// newPlan makes the plan of k failures in n trials.
func newPlan(confidence float64, candidates, k, n int) Plan {
	p := Plan{Confidence: confidence, Candidates: candidates, Failures: k, Trials: n, Steps: halvings(candidates)}
	p.Rate = stats.Least(k, n, 1-p.boundRisk())
	p.Need = p.need(0, p.Steps+1) // and the good end
	return p
}

// halvings is how many questions single out one of n candidates.
func halvings(n int) int {
	if n <= 1 {
		return 0
	}
	return bits.Len(uint(n - 1))
}

func (p Plan) boundRisk() float64 { return (1 - p.Confidence) * boundShare }

// need is how many trials the next good answer must rest on: what is left of
// the risk is shared by as many as may still come.
func (p Plan) need(spent float64, toCome int) int {
	left := (1-p.Confidence)*(1-boundShare) - spent
	return stats.Trials(p.Rate, left/float64(max(1, toCome)))
}

// missed is the chance that the bug is there and shows in none of n trials.
func (p Plan) missed(n int) float64 { return stats.Missed(p.Rate, n) }

// spent is the risk of all good answers so far. Steps of one kernel, and of
// kernels with the same code, are one answer.
func (p Plan) spent(steps []Step) (risk float64) {
	trials, failed := map[string]int{}, map[string]bool{}
	for _, s := range steps {
		id := cmp.Or(s.Code, s.Kernel.ID)
		trials[id] += s.Trials
		failed[id] = failed[id] || s.Answer != Good
	}
	for _, id := range slices.Sorted(maps.Keys(trials)) {
		if !failed[id] {
			risk += p.missed(trials[id])
		}
	}
	return risk
}

// sure is the confidence that these steps give an answer.
func (p Plan) sure(steps []Step) float64 {
	return math.Max(0, 1-p.boundRisk()-p.spent(steps))
}
