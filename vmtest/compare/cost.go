package compare

import (
	"fmt"
	"slices"

	"github.com/krepro/krepro/vmtest/verdict"
)

// churn labels the specs whose time is compared: short connections, one after
// the other, and nothing that waits.
const churn = "churn"

// Churn is called harm if in so many pairs or more each run after the patch took
// so many times as long as each before: what other work there is on a machine can
// double it in two runs that follow one another.
const (
	dear      = 2
	dearPairs = 3
)

// Cost is what the churn took after the patch, as a multiple of before.
type Cost struct {
	Pairs  int     `json:"pairs"`
	Before float64 `json:"before"` // seconds in the guest, of all pairs
	After  float64 `json:"after"`
	Median float64 `json:"median"` // of the pairs' ratios
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Accel  string  `json:"accel"` // tcg or kvm
	Least  float64 `json:"least"` // the quickest run after, by the slowest before
}

// costOf compares within each pair of whole runs the churn specs that passed in
// both, with as many trials; nil if there are none.
func costOf(steps []Step) *Cost {
	c := &Cost{}
	var ratios, befores, afters []float64
	for _, b := range steps {
		for _, a := range steps {
			if b.Kind != OfAll || a.Kind != OfAll || b.Pair != a.Pair || b.After || !a.After {
				continue
			}
			before, after := seconds(b, a), seconds(a, b)
			if before == 0 || after == 0 {
				continue
			}
			ratios, befores, afters = append(ratios, after/before), append(befores, before), append(afters, after)
			c.Before, c.After, c.Accel = c.Before+before, c.After+after, accel(a)
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	slices.Sort(ratios)
	c.Least = slices.Min(afters) / slices.Max(befores)
	c.Pairs, c.Low, c.High = len(ratios), ratios[0], ratios[len(ratios)-1]
	c.Median = (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2]) / 2
	return c
}

// seconds is the time of a step's churn specs that passed in both alike.
func seconds(s, other Step) (sum float64) {
	theirs := churns(other)
	for q, p := range churns(s) {
		if o, ok := theirs[q]; ok && o.Rate.Trials == p.Rate.Trials {
			sum += p.Seconds
		}
	}
	return sum
}

func churns(s Step) map[question]verdict.Spec {
	out := map[question]verdict.Spec{}
	for _, r := range s.Results {
		for _, su := range r.Suites {
			for _, p := range su.Specs {
				if p.Verdict == verdict.Pass && slices.Contains(p.Labels, churn) {
					out[question{suite: su.Name, spec: p.Name}] = p
				}
			}
		}
	}
	return out
}

func accel(s Step) string {
	for _, r := range s.Results {
		if r.Exit != nil {
			return r.Exit.Accel
		}
	}
	return ""
}

func (c Cost) dear() bool { return c.Pairs >= dearPairs && c.Least >= dear }

func (c Cost) String() string {
	under := "under " + c.Accel
	if c.Accel == "tcg" {
		under = "under emulation"
	}
	if c.Pairs == 1 {
		return fmt.Sprintf("churn takes %.2f times as long, %s (1 pair)", c.Median, under)
	}
	return fmt.Sprintf("churn takes %.2f times as long, %s (%.2f to %.2f in %d pairs)", c.Median, under, c.Low, c.High, c.Pairs)
}
