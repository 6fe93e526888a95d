package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// About is what a report is about, and how to have it again.
type About struct {
	Version string        `json:"version"` // of krepro
	Command string        `json:"command"`
	Base    *event.Kernel `json:"base,omitempty"`  // none: it was not built
	After   *event.Kernel `json:"after,omitempty"` // the same with the patches
	Debug   bool          `json:"debug,omitempty"` // debugging builds were asked for
	Size    string        `json:"size"`
	Specs   []string      `json:"specs"` // of the case, SUITE: SPEC
}

// Mail is the report as a text to paste into a mail.
func (r Report) Mail(a About) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Backport check: %s\n", r.Verdict)
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "  - %s\n", strings.ReplaceAll(reason, "\n", "\n    "))
	}
	b.WriteString("\n")
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	a.kernels(line)
	r.rates(line, a)
	if len(r.Steps) > 0 {
		r.rest(line, a)
	}
	a.build(line)
	line("krepro", "%s", a.Version)
	line("reproduce", "%s", a.Command)
	return b.String()
}

// printer prints a line below a name.
type printer func(name, format string, args ...any)

func (a About) kernels(line printer) {
	if a.Base != nil {
		line("kernel", "%s", kernel(*a.Base))
	}
	if a.After == nil || a.After.Build == nil {
		return
	}
	for _, p := range a.patches() {
		line("patch", "%s, patch-id %s", p.Name, p.ID)
	}
}

// patches are those that only the kernel after has.
func (a About) patches() []event.Patch {
	old := 0
	if a.Base != nil && a.Base.Build != nil {
		old = len(a.Base.Build.Patches)
	}
	return a.After.Build.Patches[min(old, len(a.After.Build.Patches)):]
}

// kernel names a kernel by release, commit and subject.
func kernel(k event.Kernel) string {
	text := cmp.Or(k.Release, k.Version, k.Ref)
	if k.Build == nil {
		return text + " " + k.Package
	}
	if k.Build.Commit != "" {
		text += ", commit " + k.Build.Commit
	}
	if k.Build.Subject != "" {
		text += fmt.Sprintf(" (%q)", k.Build.Subject)
	}
	for _, p := range k.Build.Patches {
		text += ", with " + p.Name
	}
	return text
}

// rates are those of the case.
func (r Report) rates(line printer, a About) {
	line("case", "%s", r.Case.Name)
	for _, s := range a.Specs {
		line("  spec", "%s", s)
	}
	if len(r.Steps) == 0 {
		return
	}
	line("before", "%s", r.Case.reach(r.Case.Before))
	line("after", "%s", r.Case.reach(r.Case.After))
	if r.Case.Needed > 0 {
		line("test", "%s (Fisher, one-sided); %s %ss after are needed to exclude the rate before with %.0f %%",
			chance(r.Case.P), report.Thousands(r.Case.Needed), r.Case.Unit, 100*(1-risk))
	}
}

// chance is a p-value; of the smallest the size alone is of interest.
func chance(p float64) string {
	if p < 1e-12 {
		return "p < 1e-12"
	}
	return fmt.Sprintf("p = %.1g", p)
}

// rest is all but the case.
func (r Report) rest(line printer, a About) {
	line("compared", "%d answers, by whole runs of each kernel in turns (%d, size %s): %d worse, %d not sure, %d better",
		r.Asked, r.Pairs, a.Size, len(r.Worse), len(r.Doubts), len(r.Better))
	builds := "this build"
	if r.debugged() {
		builds = "this build and one with KASAN and lockdep"
	}
	line("splats", "%d new, on %s", len(r.Splats), builds)
	if r.Cost == nil {
		line("cost", "not compared: no churn passed on both")
	} else {
		line("cost", "%s", r.Cost)
	}
}

// debugged tells whether debugging builds of both kernels ran, as was asked.
func (r Report) debugged() bool {
	ran := func(after bool) bool {
		return slices.ContainsFunc(r.Steps, func(s Summary) bool { return s.Name == Step{Kind: OfDebug, Pair: 1, After: after}.Name() })
	}
	return ran(false) && ran(true)
}

// build is how the kernels were built.
func (a About) build(line printer) {
	k := cmp.Or(a.Base, a.After)
	if k == nil || k.Build == nil {
		return
	}
	line("config", "sha256 %s", k.Build.Config)
	if a.After != nil && a.After.Build != nil && a.After.Build.Config != k.Build.Config {
		line("  after", "sha256 %s", a.After.Build.Config)
	}
	line("compiler", "%s", k.Build.Compiler)
}

// String is a change in a line.
func (c Change) String() string {
	name := c.Suite + ": " + c.Spec
	switch {
	case c.Suite == "":
		name = "the boot"
	case c.Spec == "":
		name = "suite " + c.Suite
	}
	if c.Debug {
		name += " on the debugging build"
	}
	text := fmt.Sprintf("%s: rounds before: %s; after: %s", name, c.Was, c.Is)
	if c.Before.Failures+c.After.Failures > 0 {
		text += fmt.Sprintf("; trials failed before: %s; after: %s", ratio(c.Before), ratio(c.After))
	}
	return text + "; " + c.Why
}

func ratio(r verdict.Rate) string {
	return fmt.Sprintf("%s of %s", report.Thousands(r.Failures), report.Thousands(r.Trials))
}

// inUnit renames what report calls trials.
func inUnit(text, unit string) string { return strings.ReplaceAll(text, Trials, unit) }
