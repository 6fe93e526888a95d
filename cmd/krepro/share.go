package main

import (
	"slices"

	"github.com/krepro/krepro/vmtest/manifest"
	"github.com/krepro/krepro/vmtest/matrix"
)

// share are the suites of one kind of VM: the one that is alone there, or all
// that are not alone anywhere.
func (p plan) share(alone string) []manifest.Suite {
	var share []manifest.Suite
	for _, s := range p.suites {
		if !s.Alone && alone == "" || s.Alone && s.Name == alone {
			share = append(share, s)
		}
	}
	return share
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
// that suites share, then those of one suite each. A shard asks for its own.
func (i invocation) vms() []vmAsked {
	cells := matrix.Cells(i.Kernels, len(i.sharing("").Suites) > 0, i.Alone)
	if i.Matrix != nil {
		cells = i.Matrix.own()
	}
	var all []vmAsked
	for _, c := range cells {
		all = append(all, vmAsked{c.Kernel, c.Alone})
	}
	return all
}
