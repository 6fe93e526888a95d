package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/report"
)

// The suite whose specs narrow the fault down, and the specs, in the order in
// which a person would try the paths.
const pathSuite = "sockmap"

type path struct{ name, spec string }

var paths = []path{
	{"ping, node to pod", "narrow-down ping from node to pod: the network works"},
	{"connect, node to pod", "narrow-down connect from node to pod: the handshake works"},
	{"HTTP, remote node to pod", "narrow-down HTTP from a remote node to the pod: the ordinary path works"},
	{"HTTP, pod to pod", "narrow-down HTTP from pod to pod: the accelerated path works"},
	{"HTTP, node to pod", "narrow-down HTTP from node to pod: the accelerated path works"},
	{"the same, 4-tuples of unaccepted connections used again", "listener closed with unaccepted connections SOCKHASH, BPF_NOEXIST, IPv4 " +
		"leaves the 4-tuples usable: dispatch stays on tcp_bpf_recvmsg, no request is stuck"},
}

// PathSpecs are the full texts of the specs that the narrow-down rests on.
func PathSpecs() (suite string, specs []string) {
	for _, p := range paths {
		specs = append(specs, p.spec)
	}
	return pathSuite, specs
}

// narrow is the narrow-down: what each path did.
func narrow(e *Evidence) []Path {
	out := []Path{}
	for _, p := range paths {
		row := Path{Name: p.name, Result: notRun}
		e.each(func(su *Suite, s *Spec) {
			if su.Name == pathSuite && s.Name == p.spec {
				row = pathOf(p.name, s)
			}
		})
		out = append(out, row)
	}
	return out
}

// Results of a path.
const (
	works  = "works"
	fails  = "fails"
	notRun = "not run"
	noEnd  = "no end"
)

func pathOf(name string, s *Spec) Path {
	p := Path{Name: name, Spec: s.Name, Result: fails, Trials: s.Trials, Failures: s.Failures}
	switch s.State {
	case event.Passed:
		p.Result = works
	case event.Skipped:
		p.Result = notRun
	case "":
		p.Result = noEnd
	}
	if s.Coverage != nil {
		p.Stuck = s.Coverage.Classes[readTimeout]
		p.Client, p.Server = ranked(s.Coverage.Clients), ranked(s.Coverage.Servers)
	}
	return p
}

// ranked writes counts, most frequent first: "tcp_bpf_recvmsg 20".
func ranked(counts map[string]int) []string {
	var out []string
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		out = append(out, fmt.Sprintf("%s %s", k, report.Thousands(counts[k])))
	}
	return out
}
