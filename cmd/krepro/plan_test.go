package main

import (
	"slices"
	"testing"

	"github.com/krepro/krepro/vmtest"
)

// What the suites are told through their environment.
func TestPlanEnv(t *testing.T) {
	w := newWorld(t)
	o := runOptions{kernels: []string{"debian:6.1"}, size: "quick", vm: vmOptions{accel: vmtest.TCG}}
	for _, test := range []struct {
		callGraph bool
		want      []string
	}{
		{false, []string{"KREPRO_SIZE=quick"}},
		{true, []string{"KREPRO_SIZE=quick", "KREPRO_CALL_GRAPH=1"}},
	} {
		o.callGraph = test.callGraph
		p, err := w.plan(o)
		if err != nil || !slices.Equal(p.machine.Env, test.want) {
			t.Errorf("call graph %v: %q, %v; want %q", test.callGraph, p.machine.Env, err, test.want)
		}
	}
}
