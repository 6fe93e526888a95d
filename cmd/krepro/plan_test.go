package main

import (
	"slices"
	"testing"
	"time"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
)

// What all suites are told through their environment.
func TestPlanEnv(t *testing.T) {
	w := newWorld(t)
	o := runOptions{kernels: []string{"debian:6.1"}, size: "quick", vm: vmOptions{accel: vmtest.TCG}}
	for _, test := range []struct {
		callGraph bool
		want      []string
	}{
		{false, nil},
		{true, []string{"KREPRO_CALL_GRAPH=1"}},
	} {
		o.callGraph = test.callGraph
		p, err := w.plan(o)
		if err != nil || !slices.Equal(p.machine.Env, test.want) {
			t.Errorf("call graph %v: %q, %v; want %q", test.callGraph, p.machine.Env, err, test.want)
		}
	}
}

// Each suite has the size of the run, or its own, and a VM has the time of its longest.
func TestPlanSizes(t *testing.T) {
	w := newWorld(t)
	o := runOptions{kernels: []string{"debian:6.1"}, size: "quick", sizes: map[string]string{"sockmap": "soak"}, vm: vmOptions{accel: vmtest.TCG}}
	p, err := w.plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if p.machine.Whole != 4*time.Hour {
		t.Errorf("a VM with a suite that soaks has %v", p.machine.Whole)
	}
	l := launcher{plan: p}
	for _, s := range l.machine(had{img: &kernels.Image{}, suites: p.suites}).Suites {
		want := []string{"KREPRO_SIZE=quick"}
		if s.Name == "sockmap" {
			want = []string{"KREPRO_SIZE=soak"}
		}
		if !slices.Equal(s.Env, want) {
			t.Errorf("%s: %q, want %q", s.Name, s.Env, want)
		}
	}
}
