package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/vmtest/verdict"
)

// FIONREAD lies of redirected data on the old kernel, of data from the network
// on the one with the first fix, and on the newest not at all. nginx hangs and
// answers accordingly.
func TestFionreadOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	const redirect, noVerdict, skbVerdict = "fionread-redirect", "fionread-no-verdict", "fionread-verdict"
	want := []struct {
		ref      string
		affected []string // cases, sorted
	}{
		{"debian:5.10.218-1", []string{redirect, skbVerdict}},
		{"debian:6.12.111-1", []string{noVerdict}},
		{"debian:6.12.117-1", nil},
	}
	args := []string{"run", "--out", dir, "--suite", "fionread", "--size", "quick"}
	for _, w := range want {
		args = append(args, "--kernel", w.ref)
	}
	if code, _ := e.call(t, args...); code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	for i, r := range readVerdicts(t, dir) {
		var affected []string
		for _, c := range r.Cases {
			if c.Verdict == verdict.Affected {
				affected = append(affected, c.Name)
			} else if c.Verdict != verdict.Unaffected {
				t.Errorf("%s: case %s is %s: %s", want[i].ref, c.Name, c.Verdict, c.Reason)
			}
		}
		if slices.Sort(affected); len(r.Cases) != 3 || !slices.Equal(affected, want[i].affected) {
			t.Errorf("%s: %d cases, affected by %v; want 3, %v", want[i].ref, len(r.Cases), affected, want[i].affected)
		}
		for path, bug := range map[string]string{"with sk_msg redirect": redirect, "in a map without a verdict program": noVerdict} {
			checkNginx(t, r, path, slices.Contains(want[i].affected, bug))
		}
	}
}

// checkNginx: a request hangs where the kernel is affected, and in both families.
func checkNginx(t *testing.T, r verdict.Result, path string, hangs bool) {
	t.Helper()
	want := verdict.Pass
	if hangs {
		want = verdict.Fail
	}
	n := 0
	for _, s := range r.Suites[0].Specs {
		if !strings.HasPrefix(s.Name, "nginx ") || !strings.Contains(s.Name, path) {
			continue
		}
		n++
		if s.Verdict != want || hangs && !slices.Equal(s.Symptoms, []event.Symptom{event.Stuck}) {
			t.Errorf("%s: %s: %s %v, want %s", r.Kernel.Ref, s.Name, s.Verdict, s.Symptoms, want)
		}
	}
	if n != 2 {
		t.Errorf("%s: %d specs of nginx %s, want 2", r.Kernel.Ref, n, path)
	}
}

// Where nginx cannot be had its specs are untestable and say why, and the others run.
func TestFionreadWithoutNginx(t *testing.T) {
	e := vmTest(t)
	e.home = homeWithout(t, e.home)
	t.Setenv(debian.EnvMirror, "mirror+ftp:nowhere") // not cached, and no archive to ask
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "fionread", "--size", "quick",
		"--focus", "nginx|FIONREAD in no map", "--kernel", "debian:6.12.117-1")
	if code != verdict.CodeSkip {
		t.Errorf("exit code %d, want %d", code, verdict.CodeSkip)
	}
	count := map[verdict.Verdict]int{}
	for _, s := range readVerdicts(t, dir)[0].Suites[0].Specs {
		count[s.Verdict]++
		if s.Verdict == verdict.Untestable && !strings.Contains(s.Reason, "mirror+ftp:nowhere") {
			t.Errorf("%s: %q does not say why", s.Name, s.Reason)
		}
	}
	if count[verdict.Untestable] != 4 || count[verdict.Pass] != 2 {
		t.Errorf("specs by verdict: %v, want 4 untestable and 2 that pass", count)
	}
}

// homeWithout is a folder of builds whose fionread names packages that nobody
// has in the cache.
func homeWithout(t *testing.T, home string) string {
	t.Helper()
	dir := t.TempDir()
	suites := filepath.Join(dir, "suites")
	manifest, err := os.ReadFile(filepath.Join(home, "suites/fionread.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(manifest), "packages: [nginx,", "packages: [nginx-of-nobody,", 1)
	if other == string(manifest) {
		t.Fatal("the manifest does not name nginx's package")
	}
	for _, err := range []error{
		os.Mkdir(suites, 0o755),
		os.Symlink(filepath.Join(home, "guest"), filepath.Join(dir, "guest")),
		os.Symlink(filepath.Join(home, "suites/fionread.test"), filepath.Join(suites, "fionread.test")),
		os.WriteFile(filepath.Join(suites, "fionread.yaml"), []byte(other), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
