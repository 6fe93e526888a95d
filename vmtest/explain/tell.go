package explain

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/report"
)

// Tell makes the story of one kernel. The same evidence gives the same story.
func Tell(e Evidence, cases []Case, f Filter) Story {
	s := Story{Kernel: kernelName(e.Kernel), Paths: narrow(&e), Counts: []Count{}}
	e.each(func(su *Suite, p *Spec) {
		if p.Coverage == nil {
			return
		}
		if f.spec(p) {
			s.Counts = append(s.Counts, Count{su.Name, p.Name, p.State, p.Trials, p.Failures, *p.Coverage})
		}
		if !isControl(p) {
			sum(&s.Total, *p.Coverage)
		}
	})
	s.Watched, s.Stuck, s.Stale = s.Total.Connections, s.Total.Classes[readTimeout], s.Total.Entries
	if c, of := choose(&e, f); c != nil {
		s.Typical = tellChain(c, of)
	}
	s.Calls = callsTold(&e)
	s.Headline = headline(s)
	s.Causes = causes(&e, cases)
	s.Losses = losses(&e)
	s.Absent = absent(&e)
	e.each(func(su *Suite, p *Spec) {
		for _, c := range p.Contradictions() {
			s.Contradictions = append(s.Contradictions, su.Name+": "+p.Name+": "+c)
		}
	})
	return s
}

// callsTold are the call graphs of the first spec that has two.
func callsTold(e *Evidence) *Calls {
	var out *Calls
	e.each(func(_ *Suite, p *Spec) {
		if out == nil && len(p.CallGraphs) > 1 {
			out = &Calls{Spec: p.Name}
			out.Left, out.Right = twoOf(p.CallGraphs)
		}
	})
	return out
}

// sum adds a spec's counts to a total.
func sum(total *event.Coverage, c event.Coverage) {
	total.Connections += c.Connections
	total.Recorded += c.Recorded
	total.Entries += c.Entries
	total.EntriesRecorded += c.EntriesRecorded
	for _, m := range []struct {
		to   *map[string]int
		from map[string]int
	}{
		{&total.Classes, c.Classes}, {&total.Clients, c.Clients}, {&total.Servers, c.Servers},
		{&total.Updates, c.Updates}, {&total.Lost, c.Lost},
	} {
		for k, n := range m.from {
			if *m.to == nil {
				*m.to = map[string]int{}
			}
			(*m.to)[k] += n
		}
	}
}

// kernelName is exact, and as short as that allows.
func kernelName(k event.Kernel) string {
	if k.Source == "debian" {
		return k.Package + " " + k.Flavour
	}
	return cmp.Or(k.Release, k.Ref, "unknown kernel")
}

func headline(s Story) string {
	switch {
	case s.Watched == 0:
		return "no connection was recorded"
	case s.Stuck == 0 && s.Stale == 0:
		return fmt.Sprintf("none of %s was stuck, and no entry stayed in the map", plural(s.Watched, "connection"))
	}
	return fmt.Sprintf("%s of %s were stuck, %s stayed in the map", report.Thousands(s.Stuck), plural(s.Watched, "connection"), plural(s.Stale, "entry"))
}

// losses are what is known to be missing from the evidence.
func losses(e *Evidence) []string {
	var out []string
	if e.Torn > 0 {
		out = append(out, fmt.Sprintf("%s of the event channel could not be read", plural(e.Torn, "line")))
	}
	e.each(func(su *Suite, p *Spec) {
		for _, l := range specLosses(p) {
			out = append(out, su.Name+": "+p.Name+": "+l)
		}
	})
	return out
}

func specLosses(p *Spec) []string {
	var out []string
	if c := p.Coverage; c != nil {
		for _, l := range ranked(c.Lost) {
			out = append(out, "lost by the observer: "+l)
		}
		if n := c.Recorded - len(p.Connections); n != 0 {
			out = append(out, fmt.Sprintf("%s written, %d arrived", plural(c.Recorded, "connection record"), len(p.Connections)))
		}
		if n := c.EntriesRecorded - len(p.Entries); n != 0 {
			out = append(out, fmt.Sprintf("%s written, %d arrived", plural(c.EntriesRecorded, "entry record"), len(p.Entries)))
		}
	}
	var moments int
	for _, s := range sockets(p) {
		moments += int(s.Lost)
	}
	if moments > 0 {
		out = append(out, fmt.Sprintf("%s lost: a socket's records had no room left", plural(moments, "moment")))
	}
	return out
}

// sockets are all sockets that the spec has records of.
func sockets(p *Spec) []*event.Socket {
	var out []*event.Socket
	for _, c := range p.Connections {
		out = append(out, c.Client.Socket, c.Server.Socket)
	}
	for _, e := range p.Entries {
		out = append(out, e.Socket)
	}
	return slices.DeleteFunc(out, func(s *event.Socket) bool { return s == nil })
}

// absent are the observers that could not be had, each once.
func absent(e *Evidence) []Absent {
	var out []Absent
	for _, su := range e.Suites {
		for _, o := range su.Observers {
			if a := (Absent{o.Name, o.Lack}); o.Lack != "" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}
