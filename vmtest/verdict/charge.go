package verdict

import (
	"math"
	"slices"
)

// chosenSuites leaves out suites of which the caller's filter chose nothing,
// unless it chose nothing anywhere: then nothing was asked, and that is no pass.
func (e *evidence) chosenSuites(all []Suite) []Suite {
	some := slices.DeleteFunc(slices.Clone(all), func(s Suite) bool {
		su := e.suites[s.Name]
		return su != nil && su.ended && su.planned == 0 && len(s.Specs) == 0
	})
	if len(some) == 0 {
		return all
	}
	return some
}

// chosen leaves of a case the specs that the caller's filter let run; ok tells
// whether any of those that show it for certain is among them. In a suite that
// came to its end, a spec that never began was not chosen.
func (e *evidence) chosen(c Sought) (_ Sought, ok bool) {
	c.Specs = slices.DeleteFunc(slices.Clone(c.Specs), func(s SoughtSpec) bool {
		su := e.suites[s.Suite]
		return su != nil && su.ended && !slices.ContainsFunc(su.find(s.Spec), func(p *spec) bool { return !p.unchosen() })
	})
	return c, len(c.must()) > 0
}

// charge gives every splat to the spec in whose time it fell: the latest that
// had begun, unless it had ended well before. Without time stamps only a spec
// that never ended can be charged.
func (e *evidence) charge(suites []string) {
	const early, late = 0.05, 0.5 // printk's clock and CLOCK_BOOTTIME differ by less; a splat may trail what caused it
	for i := range e.splats {
		s := &e.splats[i]
		var to *spec
		for _, name := range suites {
			su := e.suites[name]
			if su == nil {
				continue
			}
			for _, p := range su.specs {
				end := math.Inf(1)
				if p.ended {
					end = p.end + late
				}
				timed := s.Time >= 0 && p.begin <= s.Time+early && s.Time <= end
				if timed || s.Time < 0 && !p.ended {
					to = p
				}
			}
		}
		if to != nil {
			s.Spec = to.name
			to.splats = append(to.splats, *s)
		}
	}
}

// collapse counts repetitions of a title within a spec.
func collapse(splats []Splat) []Splat {
	var out []Splat
	for _, s := range splats {
		same := func(o Splat) bool { return o.Title == s.Title && o.Spec == s.Spec }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].Count++
			continue
		}
		out = append(out, s)
	}
	return out
}
