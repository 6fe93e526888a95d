package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// caseCauses ties what the kernel does to a known bug: that it shows, or that
// it was looked for and does not.
func caseCauses(e *Evidence, c Case) []Cause {
	shows, passed := c.in(e)
	say := func(inferred bool, format string, args ...any) Cause {
		return Cause{Text: fmt.Sprintf(format, args...), Inferred: inferred, Case: c.Name}
	}
	brought, fix := say(false, "no kernel is known without it"), say(false, "no fix is known")
	if c.Introduced.Commit != "" {
		brought = say(false, "brought by %s", c.Introduced.text())
	}
	if c.Fixed.Commit != "" {
		fix = say(false, "fixed by %s", c.Fixed.text())
	}
	switch {
	case len(shows) > 0:
		return []Cause{
			say(true, "this is %s: %s; seen in %s, by %s", c.Name, c.Title, plural(len(shows), "spec"), foundAs(shows)),
			brought, fix,
			say(true, "%s has the bug, and no fix of it: it behaves so%s", e.Kernel.Version, c.byVersion("affected")),
		}
	case passed > 0:
		return []Cause{
			say(true, "%s does not show in %s: %s does not have the bug, or has a fix of it%s", c.Name, plural(passed, "spec"), e.Kernel.Version, c.byVersion("unaffected")),
			fix,
		}
	}
	return nil
}

// byVersion adds what the case expects of the kernel by its version.
func (c Case) byVersion(seen string) string {
	switch c.Expected {
	case "":
		return "; its version does not tell"
	case seen:
		return ", and by its version that is expected"
	}
	return "; by its version the contrary is expected"
}

// in are the specs of the case that failed in its way, and how many passed.
func (c Case) in(e *Evidence) (shows []*Spec, passed int) {
	e.each(func(su *Suite, p *Spec) {
		if !slices.Contains(c.Specs[su.Name], p.Name) {
			return
		}
		stray := func(f Finding) bool { return !slices.Contains(c.Symptoms, f.Symptom) }
		switch {
		case p.State == event.Passed && len(p.Findings) == 0:
			passed++
		case len(p.Findings) > 0 && !slices.ContainsFunc(p.Findings, stray):
			shows = append(shows, p)
		}
	})
	return shows, passed
}

func foundAs(specs []*Spec) string {
	var out []string
	for _, p := range specs {
		for _, f := range p.Findings {
			if s := string(f.Symptom); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// text names a commit and the releases it came with.
func (c Change) text() string {
	s := fmt.Sprintf("%.12s (%q), in mainline since %s", c.Commit, c.Subject, c.Mainline)
	for _, line := range slices.Sorted(maps.Keys(c.Stable)) {
		s += fmt.Sprintf(", in %s since %s", line, c.Stable[line])
	}
	return s
}
