package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/verdict"
)

// prebuilt runs krepro backport with Debian's kernels in place of built ones:
// before lacks the fix that after has, among other changes of five releases.
func prebuilt(t *testing.T, before, after string, o backportOptions) (code int, mail, dir string) {
	t.Helper()
	e := vmTest(t)
	patch := filepath.Join(t.TempDir(), "fix.patch")
	put(t, patch, "")
	o.base, o.patches, o.name, o.size, o.vm.accel = "tree:"+t.TempDir(), []string{patch}, staleEntry, "quick", "tcg"
	b, err := e.newBackport(o)
	if err != nil {
		t.Fatal(err)
	}
	store, err := e.store()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	debian := func(ref string) string {
		if strings.Contains(ref, patch) {
			return after
		}
		return before
	}
	b.dir = t.TempDir()
	b.get = func(ctx context.Context, ref kernels.Ref) (*kernels.Image, error) {
		deb, err := kernels.ParseRef(debian(ref.Text))
		if err != nil {
			return nil, err
		}
		img, err := store.Get(ctx, deb)
		if err == nil {
			img.Build = &event.Build{Code: img.ID}
		}
		return img, err
	}
	b.run = func(ctx context.Context, o runOptions) ([]verdict.Result, error) {
		o.kernels[0] = debian(o.kernels[0])
		results, _, err := e.execute(ctx, store, o)
		return results, err
	}
	var f *failure
	if err := e.conclude(t.Context(), b); errors.As(err, &f) {
		code = f.code
	} else if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(b.dir, mailFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s%s", e.stderr.(*bytes.Buffer), e.stdout.(*bytes.Buffer))
	return code, string(text), b.dir
}

// The statistics on real runs: a bug made rare, so that one round does not tell,
// is gone; and its control, the same the other way round.
func TestBackportOnPrebuiltKernels(t *testing.T) {
	const old, fixed = "debian:5.10.218-1", "debian:5.10.223-1"
	code, mail, dir := prebuilt(t, old, fixed, backportOptions{suites: []string{"smoke"}, pairs: 1, rounds: 50, trigger: 0.05})
	if code != verdict.CodeGood || !strings.HasPrefix(mail, "Backport check: validated\n") {
		t.Errorf("fixed: code %d\n%s", code, mail)
	}
	if code, _ := vmTest(t).call(t, "judge", filepath.Join(dir, "pair-1-after")); code != verdict.CodeGood {
		t.Errorf("judge of a step: code %d", code)
	}
	code, mail, _ = prebuilt(t, fixed, old, backportOptions{suites: []string{"smoke"}, pairs: 1, rounds: 50})
	if code != verdict.CodeBad || !strings.Contains(mail, "shows after the patch: 200 of 200 trials") {
		t.Errorf("broken: code %d\n%s", code, mail)
	}
}
