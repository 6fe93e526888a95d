package main

import (
	"slices"

	"github.com/krepro/krepro/vmtest/manifest"
)

// shares splits the suites of a run into those that share a VM: all but the
// loners, and each loner by itself.
func (p plan) shares() [][]manifest.Suite {
	var together []manifest.Suite
	var alone [][]manifest.Suite
	for _, s := range p.suites {
		if s.Alone {
			alone = append(alone, []manifest.Suite{s})
		} else {
			together = append(together, s)
		}
	}
	if together == nil {
		return alone
	}
	return append([][]manifest.Suite{together}, alone...)
}

// aloneIn is the suite that has the VM of these to itself, if one has.
func aloneIn(suites []manifest.Suite) string {
	if suites[0].Alone {
		return suites[0].Name
	}
	return ""
}

// alone are the names of the suites that have a VM each.
func (p plan) alone() []string {
	var names []string
	for _, s := range p.suites {
		if s.Alone {
			names = append(names, s.Name)
		}
	}
	return names
}

// sharing is the invocation as one kind of VM has it: with the suite that is
// alone there, or with all that are not alone anywhere.
func (i invocation) sharing(alone string) invocation {
	if alone != "" {
		i.Suites = []string{alone}
		return i
	}
	lonely := func(suite string) bool { return slices.Contains(i.Alone, suite) }
	i.Suites = slices.DeleteFunc(slices.Clone(i.Suites), lonely)
	return i
}

// vms are those that an invocation asks for, in order: of each kernel the one
// that suites share, then those of one suite each.
func (i invocation) vms() []vmAsked {
	var all []vmAsked
	for _, ref := range i.Kernels {
		if len(i.sharing("").Suites) > 0 {
			all = append(all, vmAsked{ref: ref})
		}
		for _, suite := range i.Alone {
			all = append(all, vmAsked{ref, suite})
		}
	}
	return all
}
