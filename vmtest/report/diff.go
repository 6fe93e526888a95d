package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Change is what is no longer as it was in an earlier run.
type Change struct {
	Kernel string // as the new run calls it; as the old one, if the new one lacks it
	Of     string // a case, a suite, "suite: spec"; "" for the kernel itself
	Old    string // verdict, rate or kernel; "not asked" if there was none
	New    string
	Why    string // the new verdict's reason; "" for the rest
}

// unasked stands for what one of two runs did not ask.
const unasked = "not asked"

// Diff lists what has changed from one run to another. A kernel is the one of
// the same version, or else that which the same reference led to: the newest of
// a line is another one next week. Rates that only grew or fell are changes if
// an exact test says so.
func Diff(old, new []verdict.Result) []Change {
	var out []Change
	before := rowsOf(old)
	used := make([]bool, len(before))
	pairs := pairsOf(before, rowsOf(new), used)
	for _, p := range pairs {
		switch {
		case p.old == nil:
			out = append(out, Change{Kernel: p.new.name, Old: unasked, New: "asked"})
			continue
		case p.old.name != p.new.name:
			out = append(out, Change{Kernel: p.new.name, Old: p.old.name, New: p.new.name})
		}
		out = append(out, p.changes()...)
	}
	for i, k := range before {
		if !used[i] {
			out = append(out, Change{Kernel: k.name, Old: "asked", New: unasked})
		}
	}
	return out
}

// pair is one kernel in two runs; old is nil if it is new.
type pair struct{ old, new *row }

// pairsOf finds for each new row the old one: first by the kernel's name, then
// by what it was asked for.
func pairsOf(old, new []row, used []bool) []pair {
	pairs := make([]pair, len(new))
	match := func(same func(a, b row) bool) {
		for i := range new {
			pairs[i].new = &new[i]
			for j := range old {
				if pairs[i].old == nil && !used[j] && same(old[j], new[i]) {
					pairs[i].old, used[j] = &old[j], true
				}
			}
		}
	}
	match(func(a, b row) bool { return a.name == b.name })
	match(func(a, b row) bool { return a.vms[0].Kernel.Ref == b.vms[0].Kernel.Ref })
	return pairs
}

// answer is what a case, suite or spec came to.
type answer struct {
	of, is, why string
	suite       string // of a spec
	shared      bool   // a spec that has its suite's fate
}

func (p pair) changes() []Change {
	var out []Change
	old, new := p.old.answers(), p.new.answers()
	for _, a := range new {
		was := find(old, a.of)
		if was.is == a.is || a.shared || was.shared && a.is == string(verdict.Pass) {
			continue // the suite's own line says it
		}
		out = append(out, Change{p.new.name, a.of, was.is, a.is, a.why})
	}
	for _, a := range old {
		cut := a.suite != "" && find(new, a.suite).is != string(verdict.Pass)
		if find(new, a.of).is == unasked && !cut {
			out = append(out, Change{Kernel: p.new.name, Of: a.of, Old: a.is, New: unasked})
		}
	}
	return append(out, p.rates(out)...)
}

func find(in []answer, of string) answer {
	i := slices.IndexFunc(in, func(a answer) bool { return a.of == of })
	if i < 0 {
		return answer{of: of, is: unasked}
	}
	return in[i]
}

// rates are the specs whose verdict is the same and whose rate is not.
func (p pair) rates(said []Change) []Change {
	var out []Change
	for _, c := range Compare(p.old.vms, p.new.vms) {
		of := c.Suite + ": " + c.Spec
		known := slices.ContainsFunc(said, func(s Change) bool { return s.Of == of })
		if c.Differs() && !known {
			out = append(out, Change{Kernel: p.new.name, Of: of, Old: share(c.A), New: share(c.B), Why: "p = " + chance(c.Holm)})
		}
	}
	return out
}

// answers are all that a kernel's VMs came to. Of runs of a spec that differ the
// worst counts.
func (k row) answers() []answer {
	var out []answer
	for _, r := range k.vms {
		for _, c := range r.Cases {
			out = append(out, answer{of: c.Name, is: caseCell(&c), why: c.Reason})
		}
		for _, s := range r.Suites {
			out = append(out, answer{of: s.Name, is: string(s.Verdict), why: s.Reason})
			for _, p := range worst(s.Specs) {
				shared := s.Verdict != verdict.Pass && p.Judgement == s.Judgement
				out = append(out, answer{s.Name + ": " + p.Name, string(p.Verdict), reason(p), s.Name, shared})
			}
		}
		console := strings.TrimSpace("console " + r.Kernel.Alone)
		out = append(out, answer{of: console, is: string(r.Console.Verdict), why: r.Console.Reason})
	}
	return out
}

// worst keeps of each spec's runs the one with the worst verdict.
func worst(specs []verdict.Spec) []verdict.Spec {
	var out []verdict.Spec
	for _, p := range specs {
		i := slices.IndexFunc(out, func(o verdict.Spec) bool { return o.Name == p.Name })
		switch {
		case i < 0:
			out = append(out, p)
		case out[i].Bisect != p.Bisect && verdict.Worst(out[i].Bisect, p.Bisect) == p.Bisect:
			out[i] = p
		}
	}
	return out
}

// Changes prints what Diff found.
func Changes(changes []Change) string {
	if len(changes) == 0 {
		return "nothing has changed\n"
	}
	var b bytes.Buffer
	last := ""
	for _, c := range changes {
		if c.Kernel != last {
			fmt.Fprintln(&b, c.Kernel)
			last = c.Kernel
		}
		fmt.Fprintf(&b, "  %s: %s → %s", cmp.Or(c.Of, "kernel"), c.Old, c.New)
		if c.Why != "" {
			fmt.Fprintf(&b, ": %s", c.Why)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
