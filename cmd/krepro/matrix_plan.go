package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/krepro/krepro/vmtest/matrix"
)

// planned is what krepro matrix --plan --json prints.
type planned struct {
	Kernels []string `json:"kernels"` // exact references, in the order of the file
	Size    string   `json:"size"`
	// Sizes are those of suites that have another.
	Sizes   map[string]string `json:"sizes,omitempty"`
	Jobs    int               `json:"jobs"`
	VMs     []plannedVM       `json:"vms"`     // in the order in which they start
	Seconds float64           `json:"seconds"` // estimated for the whole
}

type plannedVM struct {
	matrix.Cell
	Suites  []string      `json:"suites"`
	Seconds float64       `json:"seconds"`
	From    matrix.Source `json:"from,omitempty"` // "": past runs; median, guess
}

// foresee puts a plan into the order in which it would run.
func foresee(run matrixPlan) planned {
	p := planned{Kernels: run.options.kernels, Size: run.options.size, Sizes: run.options.sizes, Jobs: run.plan.jobs}
	var seconds []float64
	for _, i := range matrix.Longest(run.options.matrix.seconds) {
		x := run.estimates[i]
		p.VMs = append(p.VMs, plannedVM{x.cell, x.suites, x.seconds, x.from})
		seconds = append(seconds, x.seconds)
	}
	p.Seconds = matrix.Wall(seconds, p.Jobs)
	return p
}

// marks stand behind seconds that no past run of the kernel has shown.
var marks = map[matrix.Source]string{matrix.Others: " ~", matrix.Guessed: " ?"}

// printPlan says what would run, and how long.
func (e *env) printPlan(run matrixPlan, asJSON bool) error {
	p := foresee(run)
	if asJSON {
		return e.printJSON(p)
	}
	m := run.options.matrix
	which := ""
	if m.Shard != nil {
		which = fmt.Sprintf(", shard %s of %d VMs", m.Shard, len(m.Cells))
	}
	size := p.Size
	for _, suite := range slices.Sorted(maps.Keys(p.Sizes)) {
		size += fmt.Sprintf(", of %s %s", suite, p.Sizes[suite])
	}
	fmt.Fprintf(e.stdout, "%s: %d kernels, %d suites, size %s%s\n\n", m.File, len(p.Kernels), len(run.plan.suites), size, which)
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tKERNEL\tSUITES\tSECONDS")
	for i, vm := range p.VMs {
		fmt.Fprintf(w, "%d\t%s\t%s\t%.0f%s\n", i+1, vm.Kernel, clip(strings.Join(vm.Suites, " "), 60), vm.Seconds, marks[vm.From])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	_, err := fmt.Fprintf(e.stdout, "\n%s with %d at a time%s\n", time.Duration(p.Seconds)*time.Second, p.Jobs, explainMarks(p.VMs))
	return err
}

// explainMarks says what the marks mean that stand in the plan.
func explainMarks(vms []plannedVM) string {
	from := func(s matrix.Source) bool {
		return slices.ContainsFunc(vms, func(vm plannedVM) bool { return vm.From == s })
	}
	text := ""
	if from(matrix.Others) {
		text += "; ~ by the median of other kernels"
	}
	if from(matrix.Guessed) {
		text += "; ? a guess: nobody has measured it here"
	}
	return text
}
