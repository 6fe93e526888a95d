package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// Text is the diff for people: - is what only the first kernel has, + what only
// the second one has, ? what cannot be told of one of them.
func (d Diff) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", title(d.A), title(d.B))
	for _, s := range d.Sections {
		b.WriteString("\n" + s.head() + "\n")
		for _, line := range s.lines() {
			b.WriteString(wrap("  " + line))
		}
	}
	return b.String()
}

// title is a kernel as the user named it, and what it is exactly.
func title(k event.Kernel) string {
	text := k.Ref
	if k.Package != "" && !strings.Contains(k.Ref, k.Package) {
		text += "  " + k.Package
	}
	return text + "  " + k.Release
}

// head is a section's name with its counts.
func (s Section) head() string {
	return s.Name + ": " + s.summary()
}

func (s Section) summary() string {
	both := fmt.Sprintf("%d in both", s.Both)
	switch differ := len(s.Changes) > 0; {
	case s.blank():
		return fmt.Sprintf("%s (%s)", s.Unsure[0].states(), s.Unsure[0].Why)
	case s.Name == event.Helpers && differ:
		return fmt.Sprintf("%d differ in %d program types", distinct(s.Changes), len(s.Of))
	case s.Name == event.Helpers:
		return fmt.Sprintf("%s in %d program types", s.same(), len(s.Of))
	case !differ:
		return s.same() + ", " + both
	case s.Name == Config:
		return fmt.Sprintf("%d differ, %s", len(s.Changes), both)
	}
	var counts []string
	for _, sign := range []string{"-", "+"} {
		if n := len(signed(s.Changes, sign)); n > 0 {
			counts = append(counts, fmt.Sprintf("%s%d", sign, n))
		}
	}
	return strings.Join(append(counts, both), ", ")
}

// blank tells whether nothing of the section can be told of one kernel.
func (s Section) blank() bool {
	return len(s.Unsure) > 0 && s.Unsure[0].Name == "" && s.Unsure[0].Of == ""
}

// same says that there is no change; where one kernel's answer is unknown and
// the other's is not, nobody knows.
func (s Section) same() string {
	if slices.ContainsFunc(s.Unsure, func(c Change) bool { return c.A != c.B }) {
		return "same as far as can be told"
	}
	return "same"
}

// distinct counts names.
func distinct(changes []Change) int {
	names := map[string]bool{}
	for _, c := range changes {
		names[c.Name] = true
	}
	return len(names)
}

// sign is how a change is marked; "" where values differ.
func (c Change) sign() string {
	switch {
	case c.A == Unknown || c.B == Unknown:
		return "?"
	case c.A == Yes && c.B == No:
		return "-"
	case c.A == No && c.B == Yes:
		return "+"
	}
	return ""
}

func signed(changes []Change, sign string) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.sign() != sign })
}

// lines are what a section has to say below its head.
func (s Section) lines() []string {
	var lines []string
	switch s.Name {
	case event.Helpers:
		lines = s.byHelper()
	case event.Tracepoints:
		lines = s.bySubsystem()
	default:
		for _, c := range s.Changes {
			lines = append(lines, c.String())
		}
	}
	return append(lines, s.untold()...)
}

// String is a change on one line.
func (c Change) String() string {
	switch sign := c.sign(); {
	case sign == "":
		return fmt.Sprintf("%s  %s → %s", c.Name, c.A, c.B)
	case len(c.Helpers) > 0:
		return fmt.Sprintf("%s %s (helpers: %d)", sign, c.Name, len(c.Helpers))
	default:
		return sign + " " + c.Name
	}
}

// byHelper says for each helper in which program types it differs.
func (s Section) byHelper() []string {
	var lines []string
	for name, changes := range grouped(s.Changes, func(c Change) string { return c.Name }) {
		for _, sign := range []string{"-", "+"} {
			if some := signed(changes, sign); len(some) > 0 {
				lines = append(lines, fmt.Sprintf("%s: %s %s", name, sign, s.types(some)))
			}
		}
	}
	return lines
}

// types lists the program types of changes, or those that are left out if these
// are fewer.
func (s Section) types(changes []Change) string {
	of := each(changes, func(c Change) string { return c.Of })
	rest := slices.DeleteFunc(slices.Clone(s.Of), func(t string) bool { return slices.Contains(of, t) })
	switch {
	case len(rest) == 0:
		return fmt.Sprintf("all %d", len(s.Of))
	case len(rest) < len(of):
		return fmt.Sprintf("all %d but %s", len(s.Of), strings.Join(rest, ", "))
	}
	return strings.Join(of, ", ")
}

// bySubsystem lists tracepoints by subsystem.
func (s Section) bySubsystem() []string {
	var lines []string
	subsystem := func(c Change) string { return c.Of }
	sorted := slices.SortedStableFunc(slices.Values(s.Changes), func(a, b Change) int { return cmp.Compare(a.Of, b.Of) })
	for of, changes := range grouped(sorted, subsystem) {
		for _, sign := range []string{"-", "+"} {
			if some := signed(changes, sign); len(some) > 0 {
				names := each(some, func(c Change) string { return c.Name })
				lines = append(lines, fmt.Sprintf("%s: %s %s", of, sign, strings.Join(names, ", ")))
			}
		}
	}
	return lines
}

// untold lists what cannot be told, with the reason; items of which the same is
// to be said stand together.
func (s Section) untold() []string {
	if s.blank() {
		return nil // the head says so
	}
	item := func(c Change) string { return strings.Join([]string{c.Name, c.A, c.B, c.Why}, "\x00") }
	var said []Change
	for _, changes := range grouped(s.Unsure, item) {
		c := changes[0]
		name, text := c.Name, fmt.Sprintf("%s (%s)", c.states(), c.Why)
		switch {
		case name == "":
			name = "all of " + strings.Join(each(changes, func(c Change) string { return c.Of }), ", ")
		case c.Of != "":
			text = s.types(changes) + ": " + text
		}
		said = append(said, Change{Name: name, Why: text})
	}
	var lines []string
	for text, changes := range grouped(said, func(c Change) string { return c.Why }) {
		names := each(changes, func(c Change) string { return c.Name })
		lines = append(lines, fmt.Sprintf("? %s: %s", strings.Join(names, ", "), text))
	}
	return lines
}

// states says of which kernel something cannot be told, and what the other has.
func (c Change) states() string {
	switch {
	case c.A == c.B:
		return "cannot tell of either"
	case c.A == "":
		return "cannot tell of the second"
	case c.B == "":
		return "cannot tell of the first"
	case c.A == Unknown:
		return "cannot tell → " + c.B
	}
	return c.A + " → cannot tell"
}
