package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/explain"
)

// explainOptions are the flags of krepro explain.
type explainOptions struct {
	kernel string
	filter explain.Filter
	html   string
	json   bool
}

func (e *env) explainCommand() *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain DIR",
		Short: "Tell why a request hung, from the records of a run",
		Long: `Explain reads the evidence in a run's folder (or in that of one of its kernels)
and tells of each kernel which paths work and which handler serves them, one
stuck connection link by link with the records that each link rests on, counts
over all connections, and the cause. What is concluded rather than recorded is
marked as inferred. docs/evidence.md describes the records.

Without --conn the connection is the stuck one that is recorded best, or, if
none is stuck, a good one.`,
		Example: "  krepro explain runs/20260314-150926\n" +
			"  krepro explain runs/20260314-150926 --kernel debian:5.10.218-1 --spec 'IPv6 leaves the 4-tuples' --conn '#7'\n" +
			"  krepro explain runs/20260314-150926 --html story.html",
		Args: cobra.ExactArgs(1),
		RunE: does(func(_ context.Context, args []string) error { return e.explain(args[0], o) }),
	}
	f := c.Flags()
	f.StringVarP(&o.kernel, "kernel", "k", "", "only this kernel: its `REF` or the name of its folder")
	f.StringVar(&o.filter.Spec, "spec", "", "only specs whose text has this in it")
	f.StringVar(&o.filter.Conn, "conn", "", "tell this connection: client's port, client's address:port, or #trial")
	f.StringVar(&o.html, "html", "", "write a page to this `FILE` instead of text")
	f.BoolVar(&o.json, "json", false, "print evidence and story as JSON instead of text")
	c.MarkFlagsMutuallyExclusive("html", "json")
	return c
}

// explain is krepro explain.
func (e *env) explain(dir string, o explainOptions) error {
	if err := o.filter.Check(); err != nil {
		return &failure{codeUsage, err}
	}
	reports, err := reportsOf(dir, o)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return e.printJSON(struct {
			Kernels []explain.Report `json:"kernels"`
		}{reports})
	case o.html != "":
		var page bytes.Buffer
		if err := explain.HTML(&page, reports); err != nil {
			return err
		}
		return writeFile(o.html, page.Bytes())
	}
	return e.tell(reports)
}

// tell prints the stories, one below the other.
func (e *env) tell(reports []explain.Report) error {
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(e.stdout)
		}
		if err := explain.Text(e.stdout, r.Story, e.columns()); err != nil {
			return err
		}
	}
	return nil
}

// columns is the width of stdout, or what suits a file.
func (e *env) columns() int {
	if f, ok := e.stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 100
}

// reportsOf reads the folder of a run, or of one VM of it.
func reportsOf(dir string, o explainOptions) ([]explain.Report, error) {
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	dir, run, inv, err := findRun(dir)
	if err != nil {
		return nil, err
	}
	vms := []string{dir}
	if run == dir {
		if vms, err = asRun(dir, inv); err != nil {
			return nil, err
		}
	}
	if len(vms) == 0 {
		return nil, fmt.Errorf("explain %s: no VM has left evidence", run)
	}
	reports := []explain.Report{}
	for _, vm := range vms {
		if k := readKernel(vm); o.kernel != "" && o.kernel != k.Ref && o.kernel != k.Name {
			continue
		}
		r, err := reportOf(vm, corpus, o.filter)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, unmatched(reports, vms, o)
}

// asRun lists the folders of a run's VMs in the order in which the kernels were
// asked for.
func asRun(run string, inv invocation) ([]string, error) {
	folders, err := vmFolders(run)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, vm := range inv.vms() {
		if vms := folders[vm]; len(vms) > 0 {
			out, folders[vm] = append(out, vms[0]), vms[1:]
		}
	}
	return out, nil
}

func reportOf(vm string, corpus []cases.Case, f explain.Filter) (explain.Report, error) {
	e, err := explain.Read(os.DirFS(vm))
	if err != nil {
		return explain.Report{}, fmt.Errorf("%s: %w", filepath.Base(vm), err)
	}
	var known []explain.Case
	for _, c := range corpus {
		known = append(known, knownCase(c, e.Kernel))
	}
	return explain.Report{Evidence: e, Story: explain.Tell(e, known, f)}, nil
}

// unmatched says that flags left nothing to tell.
func unmatched(reports []explain.Report, vms []string, o explainOptions) error {
	if len(reports) == 0 && o.kernel != "" {
		var names []string
		for _, vm := range vms {
			names = append(names, readKernel(vm).Ref)
		}
		return &failure{codeUsage, fmt.Errorf("no kernel %q in this run; it has %q", o.kernel, names)}
	}
	told := func(r explain.Report) bool { return r.Story.Typical != nil }
	if o.filter != (explain.Filter{}) && !slices.ContainsFunc(reports, told) {
		return &failure{codeUsage, fmt.Errorf("no recorded connection matches --spec %q --conn %q", o.filter.Spec, o.filter.Conn)}
	}
	return nil
}

// knownCase is a case in the words of package explain.
func knownCase(c cases.Case, k event.Kernel) explain.Case {
	out := explain.Case{Name: c.Name, Title: c.Title, About: c.About,
		Introduced: explain.Change(c.Introduced), Fixed: explain.Change(c.Fixed), Specs: map[string][]string{}}
	if seen := c.ExpectedOf(k.Package, k.Version); k.Source == "debian" && seen != cases.Unknown {
		out.Expected = string(seen)
	}
	for _, g := range slices.Concat(c.Shows, c.May) {
		out.Specs[g.Suite] = append(out.Specs[g.Suite], g.Specs...)
		out.Symptoms = append(out.Symptoms, g.Symptoms...)
	}
	slices.Sort(out.Symptoms)
	out.Symptoms = slices.Compact(out.Symptoms)
	return out
}
