package diff

import (
	"cmp"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// item is what a probe asked for.
type item struct{ of, name string }

// answer is what the kernel gave; why goes with Unknown.
type answer struct{ state, why string }

// answers are a kernel's to one section.
type answers struct {
	of    map[item]answer
	lacks map[string]string // why nothing can be told, by Of
}

// collect gathers the answers of the parts that are in a section.
func collect(parts []event.Features, in func(event.Features) bool) answers {
	a := answers{map[item]answer{}, map[string]string{}}
	for _, f := range parts {
		if !in(f) {
			continue
		}
		if f.Lack != "" {
			a.lacks[f.Of] = f.Lack
		}
		for _, name := range f.Yes {
			a.of[item{f.Of, name}] = answer{Yes, ""}
		}
		for _, name := range f.No {
			a.of[item{f.Of, name}] = answer{No, ""}
		}
		for _, u := range f.Unsure {
			a.of[item{f.Of, u.Name}] = answer{Unknown, u.Why}
		}
	}
	return a
}

// get is the answer for an item. One that the probe did not come across in what
// the kernel lists is not there.
func (a answers) get(it item) answer {
	if got, ok := a.of[it]; ok {
		return got
	}
	return answer{No, ""}
}

// lack says why nothing can be told of an item's part, or of the whole section.
func (a answers) lack(of string) string { return cmp.Or(a.lacks[of], a.lacks[""]) }

// compare holds the answers of two kernels against each other.
func compare(a, b answers) Section {
	s := Section{Changes: []Change{}, Unsure: []Change{}}
	for of := range merged(a.lacks, b.lacks) {
		s.Unsure = append(s.Unsure, Change{Of: of, A: untold(a.lack(of)), B: untold(b.lack(of)), Why: either(a.lack(of), b.lack(of))})
	}
	for it := range merged(a.of, b.of) {
		if a.lack(it.of) != "" || b.lack(it.of) != "" {
			continue
		}
		x, y := a.get(it), b.get(it)
		c := Change{Name: it.name, Of: it.of, A: x.state, B: y.state, Why: either(x.why, y.why)}
		switch {
		case x.state == Unknown || y.state == Unknown:
			s.Unsure = append(s.Unsure, c)
		case x.state != y.state:
			s.Changes = append(s.Changes, c)
		case x.state == Yes:
			s.Both++
		}
	}
	sort(s.Changes)
	sort(s.Unsure)
	return s
}

// untold is Unknown if there is a reason to be.
func untold(why string) string {
	if why == "" {
		return ""
	}
	return Unknown
}

// either joins the reasons of both kernels.
func either(a, b string) string {
	if a == "" || b == "" || a == b {
		return cmp.Or(a, b)
	}
	return "A: " + a + "; B: " + b
}

// merged has the keys of both maps.
func merged[K comparable, V any](a, b map[K]V) map[K]bool {
	all := map[K]bool{}
	for _, m := range []map[K]V{a, b} {
		for k := range m {
			all[k] = true
		}
	}
	return all
}

func sort(changes []Change) {
	slices.SortFunc(changes, func(x, y Change) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Of, y.Of)) })
}

// compareConfig compares the configurations. An option that a configuration
// does not mention is not set, as is one of which it says so.
func compareConfig(a, b Kernel) Section {
	s := Section{Name: Config, Changes: []Change{}, Unsure: []Change{}}
	if a.Config == nil || b.Config == nil {
		why := func(config map[string]string) string {
			if config != nil {
				return ""
			}
			return "it has no configuration"
		}
		x, y := why(a.Config), why(b.Config)
		s.Unsure = append(s.Unsure, Change{A: untold(x), B: untold(y), Why: either(x, y)})
		return s
	}
	for option := range merged(a.Config, b.Config) {
		x, y := value(a.Config, option), value(b.Config, option)
		switch {
		case x != y:
			s.Changes = append(s.Changes, Change{Name: option, A: x, B: y})
		case x != "n":
			s.Both++
		}
	}
	sort(s.Changes)
	return s
}

// value is what an option is set to, n if to nothing.
func value(config map[string]string, option string) string {
	v, ok := config[option]
	switch {
	case !ok:
		return "n"
	case v == "":
		return `""`
	}
	return v
}
