package report

import (
	"slices"

	"github.com/krepro/krepro/vmtest/verdict"
)

// row is one kernel of a run: the VM of the suites that share one, and after it
// those of suites that had one to themselves.
type row struct {
	name string
	vms  []verdict.Result
}

// rowsOf puts VMs of the same kernel that follow one another into one row.
func rowsOf(results []verdict.Result) []row {
	var rows []row
	for _, r := range results {
		if n := len(rows); n > 0 && r.Kernel.Alone != "" && rows[n-1].name == plain(r) {
			rows[n-1].vms = append(rows[n-1].vms, r)
			continue
		}
		rows = append(rows, row{kernel(r), []verdict.Result{r}})
	}
	return rows
}

// suite is what the suite of that name found, nil if it was not asked for.
func (k row) suite(name string) *verdict.Suite {
	for _, r := range k.vms {
		if i := slices.IndexFunc(r.Suites, func(s verdict.Suite) bool { return s.Name == name }); i >= 0 {
			return &r.Suites[i]
		}
	}
	return nil
}

// known is the answer for the case of that name, nil if it was not asked for.
func (k row) known(name string) *verdict.Case {
	for _, r := range k.vms {
		if i := slices.IndexFunc(r.Cases, func(c verdict.Case) bool { return c.Name == name }); i >= 0 {
			return &r.Cases[i]
		}
	}
	return nil
}

// columns are the suites and cases of all results, in the order they come.
func columns(results []verdict.Result) (suites, cases []string) {
	add := func(to []string, name string) []string {
		if slices.Contains(to, name) {
			return to
		}
		return append(to, name)
	}
	for _, r := range results {
		for _, s := range r.Suites {
			suites = add(suites, s.Name)
		}
		for _, c := range r.Cases {
			cases = add(cases, c.Name)
		}
	}
	return suites, cases
}
