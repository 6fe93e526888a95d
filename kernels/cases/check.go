package cases

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/version"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
	lineForm   = regexp.MustCompile(`^\d+\.\d+$`)
)

// check finds what is missing or makes no sense.
func (c Case) check() error {
	if !nameForm.MatchString(c.Name) {
		return fmt.Errorf("name %q: want lower-case words joined by -", c.Name)
	}
	if strings.TrimSpace(c.Title) == "" || strings.TrimSpace(c.About) == "" {
		return fmt.Errorf("title and about must be there")
	}
	if c.Invariant && (c.Introduced.given() || c.Fixed.given()) {
		return fmt.Errorf("invariant: what must not change has no commits")
	}
	for name, change := range map[string]Change{"introduced": c.Introduced, "fixed": c.Fixed} {
		if !change.given() {
			continue
		}
		if err := change.check(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, line := range c.Unpinned {
		if _, listed := c.Fixed.Stable[line]; listed || !lineForm.MatchString(line) {
			return fmt.Errorf("unpinned: %q is no line, or fixed has its release", line)
		}
	}
	for _, line := range c.Untestable {
		if !lineForm.MatchString(line) {
			return fmt.Errorf("untestable: %q is no line, want 5.10", line)
		}
	}
	if err := c.checkSpecs(); err != nil {
		return err
	}
	return c.checkSeen()
}

// given tells whether the file says anything of the change.
func (c Change) given() bool { return c.Commit != "" || c.Mainline != "" || len(c.Stable) > 0 }

func (c Change) check() error {
	if !commitForm.MatchString(c.Commit) {
		return fmt.Errorf("commit %q: want the full hash", c.Commit)
	}
	if strings.TrimSpace(c.Subject) == "" {
		return fmt.Errorf("subject must be there")
	}
	if _, err := version.Parse(c.Mainline); err != nil {
		return fmt.Errorf("mainline: %w", err)
	}
	for _, line := range slices.Sorted(maps.Keys(c.Stable)) {
		v, err := version.Parse(c.Stable[line])
		if err != nil {
			return fmt.Errorf("stable %s: %w", line, err)
		}
		if v.Line() != line {
			return fmt.Errorf("stable %s: %s is of another line", line, v)
		}
	}
	return nil
}

func (c Case) checkSpecs() error {
	if len(c.Shows) == 0 {
		return fmt.Errorf("shows: at least one spec must show the bug for certain")
	}
	seen := map[string]bool{}
	for _, s := range slices.Concat(c.Shows, c.May) {
		if err := s.check(); err != nil {
			return fmt.Errorf("shows, may: suite %q: %w", s.Suite, err)
		}
		for _, spec := range s.Specs {
			if seen[s.Suite+"\n"+spec] {
				return fmt.Errorf("shows, may: spec %q stands twice", spec)
			}
			seen[s.Suite+"\n"+spec] = true
		}
	}
	return nil
}

func (s Specs) check() error {
	switch {
	case s.Suite == "" || len(s.Specs) == 0 || slices.Contains(s.Specs, ""):
		return fmt.Errorf("want the suite's name and the full text of at least one spec")
	case len(s.Symptoms) == 0:
		return fmt.Errorf("no symptom, so no failure would be the bug")
	case s.Trials < 0:
		return fmt.Errorf("%d trials", s.Trials)
	}
	for _, sym := range s.Symptoms {
		if !slices.Contains(event.Symptoms, sym) {
			return fmt.Errorf("unknown symptom %q, want one of %v", sym, event.Symptoms)
		}
	}
	return nil
}

// checkSeen holds what was measured against what the commits say.
func (c Case) checkSeen() error {
	for _, kernel := range slices.Sorted(maps.Keys(c.Seen)) {
		upstream, _, _ := strings.Cut(kernel, "-")
		if _, err := version.Parse(upstream); err != nil {
			return fmt.Errorf("seen %s: %w", kernel, err)
		}
		was, testable := c.Seen[kernel], c.ExpectedOf(kernel, upstream) != Untestable
		if !testable && was != Untestable {
			return fmt.Errorf("seen %s: %s, but its line is untestable", kernel, was)
		}
		if was == Untestable {
			continue
		}
		if was != Affected && was != Unaffected {
			return fmt.Errorf("seen %s: %q is none of affected, unaffected, untestable", kernel, was)
		}
		if want := c.Expected(upstream); want != Unknown && want != was {
			return fmt.Errorf("seen %s: %s, but by its commits it is %s", kernel, was, want)
		}
	}
	return nil
}
