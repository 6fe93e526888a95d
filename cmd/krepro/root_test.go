package main

import (
	"context"
	"errors"
	"testing"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Of several errors none is lost, and the code is the one that must not be hidden.
func TestDoes(t *testing.T) {
	bad, full := &failure{code: verdict.CodeBad}, errors.New("disk is full")
	for want, test := range map[string]struct {
		err  error
		code int
	}{
		"":                        {bad, verdict.CodeBad},
		"disk is full":            {errors.Join(bad, full), verdict.CodeInfra},
		"disk is full\nno suites": {errors.Join(errors.Join(full, nil), errors.New("no suites"), bad), verdict.CodeInfra},
		"jobs: -1\ndisk is full":  {errors.Join(usage("jobs: -1"), full), codeUsage},
		`kernel reference "x": no kernel; write another`: {&kernels.RefError{Ref: "x", Reason: "no kernel", Hint: "write another"}, codeUsage},
	} {
		c := &cobra.Command{}
		c.SetContext(t.Context())
		err := does(func(context.Context, []string) error { return test.err })(c, nil)
		var f *failure
		if !errors.As(err, &f) || f.code != test.code || f.err == nil && want != "" || f.err != nil && f.err.Error() != want {
			t.Errorf("%v: %+v; want %d and %q", test.err, f, test.code, want)
		}
	}
}
