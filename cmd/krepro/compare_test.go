package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	w := newWorld(t)
	run := judgedRun(t, `"sockmap"`, "affected", "unaffected")
	later := judgedRun(t, `"sockmap"`, "affected", "wrong-symptom")
	for _, test := range []struct {
		a, b string
		want []string
	}{
		{filepath.Join(run, "affected"), filepath.Join(run, "unaffected"), []string{"rates differ in 2 of 3 specs", "50/50 (93 % to 100 %)  0/50 (below 5.8 %)"}},
		{run, later, []string{"5.10.223-1 cloud-amd64\n", "closing a listener with unaccepted connections leaves no entry: pass → fail: 1 of 50 trials, connect-error"}},
		{run, run, []string{"nothing has changed"}},
	} {
		code, out, stderr := w.do(t.Context(), "compare", test.a, test.b)
		if code != 0 {
			t.Errorf("code %d: %s", code, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(out, want) {
				t.Errorf("want %q in\n%s", want, out)
			}
		}
	}
	if code, _, stderr := w.do(t.Context(), "compare", run, filepath.Join(run, "affected")); code != codeUsage || !strings.Contains(stderr, "is a run, the other a VM") {
		t.Errorf("code %d, %s; want 129", code, stderr)
	}
}
