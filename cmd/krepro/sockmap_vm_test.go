package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

const (
	heldSocket  = "sockmap-held-socket"
	disconnect  = "sockmap-disconnect"
	sameElement = "sockmap-same-element"

	afterPath  = "unaccepted connections leave no entry after "
	deletedPod = "deleted pod takes its netns and the node's end of its veth along, a connection never accepted notwithstanding"
)

// entriesLeft is how many entries each path leaves for good on a kernel that is affected.
var entriesLeft = map[string]int{
	afterPath + "close of the listener":                                                       1,
	afterPath + "close of the listener, with data unread":                                     3,
	afterPath + "shutdown(SHUT_RD) of the listener":                                           1,
	afterPath + "connect(AF_UNSPEC) of the listener":                                          1,
	afterPath + "SOCK_DESTROY (ss -K) of the listener":                                        1,
	afterPath + "close of a listener whose backlog of 1 has overflowed":                       2,
	afterPath + "close of the listener, opened by TCP Fast Open":                              1,
	afterPath + "the client's reset, then close of the listener":                              1,
	afterPath + "SOCK_DESTROY (ss -K) of the connection, then close of the listener":          1,
	"listener closed with unaccepted connections SOCKHASH, BPF_NOEXIST, IPv4 leaves no entry": 50,
}

// failing is how a spec fails: in how many trials, by which symptoms.
type failing struct {
	trials   int
	symptoms []event.Symptom
	by       string // the case that explains it
}

// unfixedSpecs fail on every kernel.
var unfixedSpecs = map[string]failing{
	"new connection over the 4-tuple of a dead socket that is still held is served by its own socket: reset by its peer": {
		3, []event.Symptom{event.Crossed, event.Exists, event.Stuck, event.WrongHandler}, heldSocket},
	"socket that was connected to AF_UNSPEC, and then to another server reads nothing of the connection that has its first 4-tuple now": {
		3, []event.Symptom{event.Crossed, event.Exists, event.UpdateFailed}, disconnect},
}

// What sockmap asks in depth: on the kernel with the bug every path leaves
// exactly the entries that it is known to leave, the first with the fix leaves
// none, and what no kernel is free of shows on the newest too. The ways around
// it work on each.
func TestSockmapInDepth(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "sockmap", "--size", "quick",
		"--label-filter", "path || netns || held || disconnect || replace || remedy || (trigger && ipv4)",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:5.10.223-1", "--kernel", "debian:7.2")
	if code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	same := map[string]failing{
		"element updated with the socket that it has already goes from a SOCKMAP as the socket is closed": {
			3, []event.Symptom{event.StaleEntry}, sameElement},
	}
	stale := map[string]failing{}
	for spec, n := range entriesLeft {
		stale[spec] = failing{n, []event.Symptom{event.StaleEntry}, staleEntry}
	}
	stale[deletedPod] = failing{1, []event.Symptom{event.NeverFreed, event.StaleEntry}, staleEntry}
	stale[reused] = failing{50, []event.Symptom{event.Exists, event.StaleEntry, event.Stuck, event.WrongHandler}, staleEntry}
	wanted := []map[string]failing{allOf(unfixedSpecs, same, stale), allOf(unfixedSpecs, same), unfixedSpecs}
	results := readVerdicts(t, dir)
	if len(results) != len(wanted) {
		t.Fatalf("verdicts on %d kernels, want %d", len(results), len(wanted))
	}
	for i, want := range wanted {
		t.Run(results[i].Kernel.Ref, func(t *testing.T) { checkDepth(t, results[i], want) })
	}
}

func allOf(all ...map[string]failing) map[string]failing {
	out := map[string]failing{}
	for _, some := range all {
		maps.Copy(out, some)
	}
	return out
}

// checkDepth holds that these specs failed, each in so many trials and by these
// symptoms, and that all others passed.
func checkDepth(t *testing.T, r verdict.Result, want map[string]failing) {
	specs := r.Suites[0].Specs
	if len(specs) < 20 {
		t.Errorf("%d specs ran, want 20 at least", len(specs))
	}
	failed := map[string]bool{}
	for _, spec := range specs {
		w, fails := want[spec.Name]
		if !fails {
			if spec.Verdict != verdict.Pass {
				t.Errorf("%s: %s %s %v", spec.Name, spec.Verdict, spec.Reason, spec.Findings)
			}
			continue
		}
		failed[spec.Name] = true
		if spec.Verdict != verdict.Fail || spec.Rate.Failures != w.trials || !slices.Equal(spec.Symptoms, w.symptoms) {
			t.Errorf("%s: %s in %d trials by %v, want fail in %d by %v", spec.Name, spec.Verdict, spec.Rate.Failures, spec.Symptoms, w.trials, w.symptoms)
		}
		if spec.Case != w.by {
			t.Errorf("%s: explained by %q, want %s", spec.Name, spec.Case, w.by)
		}
	}
	for name := range want {
		if !failed[name] {
			t.Errorf("%s did not run", name)
		}
	}
}
