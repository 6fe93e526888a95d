package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// KTAP is all results in the kernel's Test Anything Protocol, version 1
// (Documentation/dev-tools/ktap.rst): VMs, in them the VM's own checks and the
// suites, in these the cases and specs. An expected failure is ok with XFAIL, as
// the kernel's selftests write it; what nobody could ask is ok with SKIP, the
// lack of an answer not ok with ERROR or TIMEOUT.
func KTAP(results []verdict.Result) []byte {
	all := tap{}
	for _, r := range results {
		vm := tap{name: kernel(r)}
		for _, of := range checksOf(r) {
			group := tap{name: of.name}
			for _, c := range of.all {
				group.subs = append(group.subs, tap{name: c.name, check: &c})
			}
			vm.subs = append(vm.subs, group)
		}
		all.subs = append(all.subs, vm)
	}
	var b bytes.Buffer
	all.print(&b, "")
	return b.Bytes()
}

// tap is a test with its subtests, or a check.
type tap struct {
	name  string
	check *check
	subs  []tap
}

// print prints what is below a test, and with it the result of each.
func (t tap) print(b *bytes.Buffer, indent string) {
	fmt.Fprintf(b, "%sKTAP version 1\n", indent)
	if t.name != "" {
		fmt.Fprintf(b, "%s# Subtest: %s\n", indent, tapText(t.name))
	}
	fmt.Fprintf(b, "%s1..%d\n", indent, len(t.subs))
	for i, s := range t.subs {
		if s.check == nil {
			s.print(b, indent+"  ")
		} else {
			s.check.diagnose(b, indent)
		}
		result, directive := s.result()
		fmt.Fprintf(b, "%s%s %d %s%s\n", indent, result, i+1, tapText(s.name), directive)
	}
}

// result is ok or not ok, and what follows the name. A test fails if one below
// it does, and is skipped if all below it are.
func (t tap) result() (result, directive string) {
	if t.check != nil {
		return t.check.tap()
	}
	skips := 0
	for _, s := range t.subs {
		result, directive := s.result()
		if result != "ok" {
			return result, ""
		}
		if strings.HasPrefix(directive, " # SKIP") {
			skips++
		}
	}
	if skips == len(t.subs) {
		return "ok", " # SKIP"
	}
	return "ok", ""
}

func (c check) tap() (result, directive string) {
	reason := tapText(blamed(c))
	switch c.status {
	case passed:
		if c.rate.Trials > 0 {
			return "ok", " # " + tapText(Reach(c.rate))
		}
		return "ok", ""
	case known:
		return "ok", " # XFAIL " + reason
	case skipped:
		return "ok", " # SKIP " + reason
	case failed:
		return "not ok", fmt.Sprintf(" # %s: %s", c.Verdict, reason)
	}
	if c.Verdict == verdict.Hang || c.Verdict == verdict.OtherHang {
		return "not ok", " # TIMEOUT " + reason
	}
	return "not ok", fmt.Sprintf(" # ERROR %s: %s", c.Verdict, reason)
}

// diagnose prints the details of what did not pass, before its result.
func (c check) diagnose(b *bytes.Buffer, indent string) {
	if c.status == passed || c.status == skipped {
		return
	}
	if c.rate.Trials > 0 {
		fmt.Fprintf(b, "%s# %s\n", indent, tapText(Reach(c.rate)))
	}
	for line := range strings.Lines(strings.TrimSpace(c.text)) {
		fmt.Fprintf(b, "%s# %s\n", indent, tapText(line))
	}
}

// tapText is text without what KTAP reads as its own: a number sign begins a
// directive, a line break a line.
func tapText(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "#", "№")), " ")
}
