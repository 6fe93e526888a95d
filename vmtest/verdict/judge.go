package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// lacking matches when the kernel's config lacks what a suite needs. That is
// known before any boot, so it comes before all faults of the host.
func (e *evidence) lacking(suite string) (Verdict, string) {
	if m := e.kernel.Missing[suite]; len(m) > 0 {
		return Untestable, fmt.Sprintf("suite %s needs %s", suite, strings.Join(m, ", "))
	}
	return "", ""
}

// unbuilt matches when the kernel was to be built from source and could not be:
// there is no other evidence then.
func (e *evidence) unbuilt() (Verdict, string) {
	if e.ended(event.ExitBuild) {
		return BuildFail, e.exit.Error
	}
	return "", ""
}

func (e *evidence) host() (Verdict, string) {
	if fault := e.hostFault(); fault != "" {
		return Infra, fault
	}
	return "", ""
}

// neverUp matches when PID 1 never reported.
func (e *evidence) neverUp() (Verdict, string) {
	switch {
	case e.boot > 0:
		return "", ""
	case e.ended(event.ExitCancelled):
		return Cancelled, "the run was cut short during boot"
	case len(e.splats) > 0:
		s := e.splats[len(e.splats)-1]
		return BootFail, fmt.Sprintf("console line %d: %s", s.Line, s.Text)
	}
	return BootFail, "PID 1 never reported: " + e.ending("")
}

// unfinished says why a spec of this suite has no end, or never began.
func (e *evidence) unfinished(suite string) (Verdict, string) {
	_, exited := e.exited[suite]
	switch {
	case e.hung(suite):
		return OtherHang, e.ending(suite)
	case exited && (e.suites[suite] == nil || !e.suites[suite].ended):
		return Broken, e.ending(suite)
	case exited && e.suites[suite].fault != "":
		return Broken, e.suites[suite].fault
	case exited:
		return Empty, "the suite ended without it"
	case e.ended(event.ExitCancelled):
		return Cancelled, "the run was cut short"
	case e.ended(event.ExitDied):
		return OtherCrash, e.died()
	}
	if su := e.suites[suite]; su != nil && !su.ended {
		return Broken, "the suite ended without a record of its exit"
	}
	return Empty, fmt.Sprintf("suite %s never ran", suite)
}

// hung tells whether the suite, or the VM under it, came to no end in its time.
func (e *evidence) hung(suite string) bool {
	if x, ok := e.exited[suite]; ok {
		return e.killed(x)
	}
	return e.ended(event.ExitSilence, event.ExitDeadline)
}

// killed tells whether PID 1 ended a suite that had used up its time; the OOM
// killer's victims look alike.
func (e *evidence) killed(x event.Record) bool { return x.Signal == "killed" && e.oom == "" }

// ending describes how the suite, or else the VM, ended.
func (e *evidence) ending(suite string) string {
	if x, ok := e.exited[suite]; ok {
		return describeExit(x, e.oom) + lastWords(e.said[suite])
	}
	if e.exit == nil {
		return "unknown how the VM ended"
	}
	last := "the console is empty"
	if e.exit.Error != "" {
		last = e.exit.Error
	} else if n := len(e.exit.Tail); n > 0 {
		last = fmt.Sprintf("last console line: %q", e.exit.Tail[n-1])
	}
	switch e.exit.Reason {
	case event.ExitBootDeadline:
		return "boot deadline; " + last
	case event.ExitSilence:
		return fmt.Sprintf("no sign of life any more (%s); %s", e.exit.Phase, last)
	case event.ExitDeadline:
		return fmt.Sprintf("time used up after %.0f s (%s); %s", e.exit.Seconds, e.exit.Phase, last)
	case event.ExitDied:
		return "the VM died; " + last
	}
	return "the VM ended: " + e.exit.Reason
}

func describeExit(x event.Record, oom string) string {
	how := fmt.Sprintf("exit code %d", x.Code)
	if x.Signal != "" {
		how = "signal: " + x.Signal
	}
	if oom != "" {
		how += "; the guest ran out of memory and killed " + oom
	}
	if x.Error != "" {
		how += "; " + x.Error
	}
	return fmt.Sprintf("the suite ended (%s)", how)
}

// lastWords quotes why a program died, if it said so.
func lastWords(said string) string {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIGQUIT: ") {
			return fmt.Sprintf("; it printed: %q", strings.TrimSpace(line))
		}
	}
	return ""
}

// died describes the end of a VM that is gone without its last word.
func (e *evidence) died() string {
	if n := len(e.splats); n > 0 {
		return fmt.Sprintf("the VM died: console line %d: %s", e.splats[n-1].Line, e.splats[n-1].Text)
	}
	return e.ending("")
}

// starved warns of splats that a busy host alone can bring about.
func starved(s Splat) string {
	if s.Kind == "stall" || s.Kind == "hung-task" {
		return " (a starved host can cause this: run again with fewer jobs)"
	}
	return ""
}

// judgeConsole looks for splats anywhere, in the time of a spec or not.
func (e *evidence) judgeConsole() Judgement {
	return first(e.unbooted, e.unbuilt, e.host, e.neverUp, func() (Verdict, string) {
		if len(e.splats) == 0 {
			return "", ""
		}
		s := e.splats[0]
		return Crash, fmt.Sprintf("%s, the first on console line %d: %s%s", count(len(e.splats), "splat"), s.Line, s.Text, starved(s))
	}, e.noGoodbye, func() (Verdict, string) { return Pass, "no splat" })
}

// noGoodbye matches when the VM came to a bad end while no suite ran that could
// be charged with it: between two, or behind the last.
func (e *evidence) noGoodbye() (Verdict, string) {
	for name := range e.suites {
		if _, exited := e.exited[name]; !exited {
			return "", ""
		}
	}
	switch {
	case e.ended(event.ExitDied):
		return OtherCrash, "while no suite ran, " + e.died()
	case e.ended(event.ExitSilence, event.ExitDeadline):
		return OtherHang, "while no suite ran: " + e.ending("")
	}
	return "", ""
}

// unbooted matches when there was no point in booting: no suite can run.
func (e *evidence) unbooted() (Verdict, string) {
	if e.exit != nil || len(e.kernel.Missing) == 0 {
		return "", ""
	}
	return Untestable, "not booted: no suite can run on it"
}

// judgeSuite says whether the suite ran to its end, and judges its specs.
func (e *evidence) judgeSuite(name string, filtered bool) Suite {
	su := cmp.Or(e.suites[name], &suite{name: name})
	out := Suite{Name: name, Size: su.size, Seed: su.seed, Planned: su.planned, Seconds: su.seconds,
		Specs: []Spec{}, Phases: append([]Phase{}, su.phases...)}
	for _, p := range su.specs {
		if !filtered || !p.unchosen() {
			out.Specs = append(out.Specs, e.judgeSpec(name, p))
		}
	}
	out.Specs = joinRounds(out.Specs)
	lacking := func() (Verdict, string) { return e.lacking(name) }
	out.Judgement = first(lacking, e.unbuilt, e.host, su.lacks, e.neverUp,
		func() (Verdict, string) { return e.incomplete(su) },
		func() (Verdict, string) { return Pass, fmt.Sprintf("%s, to the end", count(len(out.Specs), "spec")) })
	return out
}

func (s *suite) lacks() (Verdict, string) {
	if s.untestable == "" {
		return "", ""
	}
	return Untestable, s.untestable
}

// incomplete matches when not all of a suite's specs came to an end.
func (e *evidence) incomplete(su *suite) (Verdict, string) {
	ran := slices.ContainsFunc(su.specs, func(p *spec) bool { return p.ended && !p.skipped() })
	fault := slices.ContainsFunc(su.specs, func(p *spec) bool { return p.failed() || p.broken() != "" })
	x := e.exited[su.name]
	switch {
	case !su.ended:
		return e.unfinished(su.name)
	case su.fault != "":
		return Broken, su.fault
	case !ran:
		return Empty, "no spec ran"
	case len(su.specs) < su.due:
		return Empty, fmt.Sprintf("%d of %s never began", su.due-len(su.specs), count(su.due, "spec"))
	case !fault && (x.Code != 0 || x.Signal != ""):
		return Broken, "no spec failed, yet " + describeExit(x, e.oom)
	}
	return "", ""
}
