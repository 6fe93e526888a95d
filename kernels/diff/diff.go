// Package diff says in what two kernels differ: in what they offer to BPF
// programs and to tracers, as the suite features probed it, and in their
// configurations. It is pure: probes in, a Diff out.
//
// What cannot be told of a kernel is never taken for a difference, nor for none:
// it is listed apart, with the reason.
package diff

import (
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// Kernel is what is known of one kernel.
type Kernel struct {
	Info   event.Kernel
	Parts  []event.Features  // whole: see Check
	Config map[string]string // option with CONFIG_ in front to value; nil: it has no configuration
}

// Diff is how two kernels differ.
type Diff struct {
	A        event.Kernel `json:"a"`
	B        event.Kernel `json:"b"`
	Differ   bool         `json:"differ"` // there is a change in some section
	Sections []Section    `json:"sections"`
}

// Section is one kind of things in which they may differ.
type Section struct {
	Name    string   `json:"name"`         // one of event.FeatureSections, or config
	Of      []string `json:"of,omitempty"` // helpers: the program types that were compared
	Both    int      `json:"both"`         // items that both have (helpers: in a program type); config: options that both set alike
	Changes []Change `json:"changes"`      // sorted by name
	Unsure  []Change `json:"unsure"`       // of one kernel or both cannot be told
}

// Change is an item with its state in both kernels.
type Change struct {
	Name string `json:"name"`         // "", in unsure: all items of Of, or of the section
	Of   string `json:"of,omitempty"` // helpers: program type; tracepoints: subsystem
	A    string `json:"a"`            // yes, no, unknown; config: the option's value; "" with no name: it was told
	B    string `json:"b"`
	Why  string `json:"why,omitempty"` // it is unknown
	// Helpers of a program type that only one kernel has.
	Helpers []string `json:"helpers,omitempty"`
}

// States of an item. Config options have their values in place of them.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// Config is the name of the section of configuration options.
const Config = "config"

// Check makes sure that a probe is whole: a diff with half of one would claim
// that the kernel lacks the other half.
func Check(parts []event.Features) error {
	have := func(section, of string) bool {
		return slices.ContainsFunc(parts, func(f event.Features) bool { return f.Section == section && (of == "" || f.Of == of) })
	}
	for _, section := range event.FeatureSections {
		if !have(section, "") {
			return fmt.Errorf("check probe: nothing of %s", section)
		}
	}
	for _, programType := range programTypes(parts) {
		if !have(event.Helpers, programType) {
			return fmt.Errorf("check probe: nothing of helpers of %s", programType)
		}
	}
	return nil
}

// Of compares two kernels.
func Of(a, b Kernel) Diff {
	d := Diff{A: a.Info, B: b.Info}
	for _, name := range event.FeatureSections {
		in := func(f event.Features) bool { return f.Section == name }
		var both []string
		if name == event.Helpers {
			both = common(programTypes(a.Parts), programTypes(b.Parts))
			in = func(f event.Features) bool { return f.Section == name && slices.Contains(both, f.Of) }
		}
		s := compare(collect(a.Parts, in), collect(b.Parts, in))
		s.Name = name
		s.Of = slices.DeleteFunc(both, func(of string) bool {
			return slices.ContainsFunc(s.Unsure, func(c Change) bool { return c.Name == "" && c.Of == of })
		})
		if name == event.ProgramTypes {
			addHelpers(s.Changes, a.Parts, b.Parts)
		}
		d.Sections = append(d.Sections, s)
	}
	d.Sections = append(d.Sections, compareConfig(a, b))
	d.Differ = slices.ContainsFunc(d.Sections, func(s Section) bool { return len(s.Changes) > 0 })
	return d
}

// programTypes are those that the kernel has.
func programTypes(parts []event.Features) []string {
	var found []string
	for _, f := range parts {
		if f.Section == event.ProgramTypes {
			found = append(found, f.Yes...)
		}
	}
	return found
}

// common are the members of both, sorted.
func common(a, b []string) []string {
	both := slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
	slices.Sort(both)
	return both
}

// addHelpers notes the helpers of the program types that one kernel alone has:
// there is nothing to compare them with.
func addHelpers(changes []Change, a, b []event.Features) {
	for i, c := range changes {
		parts := a
		if c.B == Yes {
			parts = b
		}
		for _, f := range parts {
			if f.Section == event.Helpers && f.Of == c.Name {
				changes[i].Helpers = slices.Sorted(slices.Values(f.Yes))
			}
		}
	}
}
