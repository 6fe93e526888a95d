package chain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

var okUpdate = &event.Update{Op: "active"}

// socket is one end: how its update went and what its recvmsg calls went to.
func socket(u *event.Update, handlers ...string) *event.Socket {
	s := &event.Socket{Cookie: 7, Update: u}
	for _, h := range handlers {
		s.Handlers = append(s.Handlers, event.Handler{Symbol: h, Calls: 1})
	}
	return s
}

func errno(name string, value int) *event.Update {
	return &event.Update{Op: "passive", Return: -value, Errno: name}
}

func between(class string, client, server *event.Socket) event.Connection {
	return event.Connection{Trial: 3, Class: class,
		Client: event.Endpoint{Role: "node", Addr: netip.MustParseAddrPort("10.0.0.1:40963"), Socket: client},
		Server: event.Endpoint{Role: "pod1", Addr: netip.MustParseAddrPort("10.0.1.2:8080"), Socket: server}}
}

func missing(c event.Connection, what string) event.Connection {
	c.Missing = []event.Missing{{What: what, Why: "no room"}}
	return c
}

func TestSymptoms(t *testing.T) {
	tests := []struct {
		name            string
		c               event.Connection
		shows, rulesOut string
	}{
		{"good, accelerated", between("ok", socket(okUpdate, Accelerated), socket(okUpdate, Accelerated)),
			"", "stuck crossed eexist update-failed wrong-handler"},
		{"good, ordinary", between("ok", socket(nil, Plain), socket(nil, Plain)),
			"", "stuck crossed eexist update-failed"},
		{"stuck", between("read-timeout", socket(okUpdate, Accelerated), socket(errno("EEXIST", 17), Plain)),
			"stuck eexist wrong-handler", "crossed update-failed"},
		{"another errno", between("ok", socket(okUpdate, Accelerated), socket(errno("EBUSY", 16), Accelerated)),
			"update-failed", "stuck crossed eexist wrong-handler"},
		{"accelerated where nobody asked for it", between("ok", socket(nil, Plain), socket(nil, Accelerated)),
			"wrong-handler", "stuck crossed eexist update-failed"},
		{"crossed", between("crossed", socket(okUpdate, Accelerated), nil), "crossed", "stuck"},
		{"server unknown", between("read-timeout", socket(okUpdate, Accelerated), nil), "stuck", "crossed"},
		{"nothing read", between("reset", socket(okUpdate), socket(okUpdate)), "", "stuck crossed eexist update-failed"},
		{"one end's moments unknown", missing(between("ok", socket(okUpdate, Accelerated), socket(nil)), "server moments"), "", "stuck crossed"},
		{"never connected", between("refused", nil, nil), "", "stuck crossed"},
	}
	for _, test := range tests {
		shows, rulesOut := Symptoms(test.c)
		if got := words(shows); got != test.shows {
			t.Errorf("%s: shows %q, want %q", test.name, got, test.shows)
		}
		if got := words(rulesOut); got != test.rulesOut {
			t.Errorf("%s: rules out %q, want %q", test.name, got, test.rulesOut)
		}
	}
}

func words(symptoms []event.Symptom) string {
	return strings.Trim(fmt.Sprint(symptoms), "[]")
}

func TestContradictions(t *testing.T) {
	stuck := between("read-timeout", socket(okUpdate, Accelerated), socket(errno("EEXIST", 17), Plain))
	stuck.Symptoms = []event.Symptom{event.Exists, event.WrongHandler, event.Stuck}
	slander := between("ok", socket(okUpdate, Accelerated), socket(okUpdate, Accelerated))
	slander.Symptoms = []event.Symptom{event.Stuck}
	silent := between("read-timeout", socket(okUpdate, Accelerated), nil)
	partly := between("read-timeout", socket(okUpdate, Accelerated), socket(okUpdate, Plain))
	partly.Symptoms = []event.Symptom{event.Stuck}
	vague := between("ok", socket(okUpdate, Accelerated), nil)
	vague.Symptoms = []event.Symptom{event.Exists, event.WrongHandler}
	found := func(symptoms ...event.Symptom) (out []Finding) {
		for _, s := range symptoms {
			out = append(out, Finding{Symptom: s, Of: 50})
		}
		return out
	}
	classes := func(class string) *event.Coverage { return &event.Coverage{Classes: map[string]int{class: 50}} }
	tests := []struct {
		name string
		spec Spec
		want string // part of the first; empty: none
	}{
		{"no records", Spec{State: event.Failed, Findings: found(event.Stuck)}, ""},
		{"all agree", Spec{State: event.Failed, Findings: found(event.Stuck, event.Exists, event.StaleEntry), Connections: []event.Connection{stuck},
			Coverage: &event.Coverage{Entries: 50, Classes: map[string]int{"read-timeout": 50}, Updates: map[string]int{"EEXIST": 50}}}, ""},
		{"found stuck, was answered", Spec{Connections: []event.Connection{slander}}, "trial 3 is found stuck, and its record rules that out"},
		{"stuck, not found", Spec{Connections: []event.Connection{silent}}, "trial 3 is found good, and its record shows stuck"},
		{"the record knows more", Spec{Connections: []event.Connection{partly}}, ""},
		{"the record cannot tell", Spec{Connections: []event.Connection{vague}}, ""},
		{"EEXIST found, none counted", Spec{State: event.Failed, Findings: found(event.Exists),
			Coverage: &event.Coverage{Updates: map[string]int{"ok": 100}}}, "findings eexist: 50; map updates refused with EEXIST: 0"},
		{"stuck counted, a pass", Spec{State: event.Passed, Coverage: classes("read-timeout")}, "findings stuck: 0; connections that ended read-timeout: 50"},
		{"stuck counted, not yet found", Spec{State: event.Failed, Coverage: classes("read-timeout")}, ""},
		{"stale found, none at rest", Spec{State: event.Failed, Findings: found(event.StaleEntry), Coverage: &event.Coverage{}}, "findings stale-entry: 50; entries at rest: 0"},
		{"stale and alive", Spec{Entries: []event.Entry{{Map: "sockmap", Slot: 9, Cookie: 5, Held: true}}}, "entry slot 9 is called stale, and its socket 5 is alive"},
		{"a key that is none", Spec{Entries: []event.Entry{{Map: "sockhash", Key: "00"}}}, "1 bytes, want 44"},
		{"planted by hand", Spec{Labels: []string{"control"}, State: event.Passed, Connections: []event.Connection{silent}, Coverage: classes("read-timeout")}, ""},
	}
	for _, test := range tests {
		got := test.spec.Contradictions()
		if (len(got) == 0) != (test.want == "") || len(got) > 0 && !strings.Contains(got[0], test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTake(t *testing.T) {
	var s Spec
	for _, r := range []event.Record{
		{Kind: event.SpecBegin, Spec: "x", Labels: []string{"l"}, Time: 1.5},
		{Kind: event.Finding, Symptom: event.Stuck, Text: "t", Data: []byte(`{"trial":4,"of":9}`)},
		{Kind: event.Finding, Symptom: event.Other},
		{Kind: event.ConnectionRecord, Data: []byte(`{"trial":4,"class":"ok"}`)},
		{Kind: event.EntryRecord, Data: []byte(`{"map":"sockmap"}`)},
		{Kind: event.CallGraphRecord, Data: []byte(`{"request":"good"}`)},
		{Kind: event.CoverageRecord, Data: []byte(`{"connections":9}`)},
		{Kind: event.Alive, Trials: 3},
		{Kind: event.SpecEnd, State: event.Failed, Trials: 9, Failures: 9},
	} {
		if err := s.Take(r); err != nil {
			t.Errorf("%s: %v", r.Kind, err)
		}
	}
	if err := s.Take(event.Record{Kind: event.ConnectionRecord, Data: []byte(`{"trial":"four"}`)}); err == nil {
		t.Error("a connection that cannot be read is taken")
	}
	if s.Name != "x" || s.Trials != 9 || len(s.Connections) != 1 || len(s.Entries) != 1 || len(s.CallGraphs) != 1 || s.Coverage.Connections != 9 {
		t.Errorf("took %+v", s)
	}
	if n := s.found(event.Stuck); n != 9 || s.found(event.Other) != 1 || s.Findings[0].Trial != 4 {
		t.Errorf("findings %+v: stuck %d, want 9", s.Findings, n)
	}
	if !slices.Equal(s.Labels, []string{"l"}) {
		t.Errorf("labels %q", s.Labels)
	}
}
