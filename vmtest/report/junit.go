package report

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The part of JUnit's format that CI systems agree on.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    string   `xml:"time,attr"`
	Failure *outcome `xml:"failure"`
	Error   *outcome `xml:"error"`
	Skipped *outcome `xml:"skipped"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit is one suite on one kernel as JUnit XML. It is made of the events, so a
// guest that panics loses nothing: the spec in flight is an error, and so are
// those that never began, as one test case. A failure that an expected bug
// explains is skipped, of type expected-failure: it is no news to CI.
func JUnit(r verdict.Result, s verdict.Suite) ([]byte, error) {
	out := junitSuite{Name: s.Name + " on " + kernel(r), Time: fmt.Sprintf("%.3f", s.Seconds)}
	for _, p := range s.Specs {
		out.add(junitSpec(r, s.Name, p))
	}
	if s.Verdict != verdict.Pass {
		out.add(junitRest(s))
	}
	out.add(junitConsole(r, s.Name))
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode junit: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// add counts a test case in.
func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func junitSpec(r verdict.Result, suite string, p verdict.Spec) junitCase {
	out := junitCase{Name: p.Name, Class: suite, Time: fmt.Sprintf("%.3f", p.Seconds)}
	text := strings.Join(append(slices.Clone(p.Findings), p.Text), "\n")
	if p.Where != "" {
		text += "\nat " + p.Where
	}
	place(&out, p.Judgement, text)
	expected := func(c verdict.Case) bool { return c.Name == p.Case && c.Met && c.Expect != "" }
	if p.Case != "" && slices.ContainsFunc(r.Cases, expected) {
		out.Failure, out.Error = nil, nil
		out.Skipped = &outcome{Message: p.Case + ": " + p.Reason, Type: "expected-failure", Text: text}
	}
	return out
}

// junitRest stands for the specs that never began, whose names nobody knows.
func junitRest(s verdict.Suite) junitCase {
	out := junitCase{Name: "the suite runs to its end", Class: s.Name, Time: "0.000"}
	text := ""
	if never := s.Planned - len(s.Specs); never > 0 {
		text = fmt.Sprintf("specs that never began: %d of %d", never, s.Planned)
	}
	place(&out, s.Judgement, text)
	if s.Verdict == verdict.Empty {
		out.Error, out.Skipped = out.Skipped, nil // a suite that asked nothing has not passed
	}
	return out
}

// junitConsole is the scan of the console. Splats that a spec is charged with
// are errors there.
func junitConsole(r verdict.Result, suite string) junitCase {
	out := junitCase{Name: "the console is clean", Class: suite, Time: "0.000"}
	var stray []string
	for _, s := range r.Splats {
		if s.Spec == "" && s.Case == "" {
			stray = append(stray, fmt.Sprintf("line %d: %s", s.Line, s.Text))
		}
	}
	if r.Console.Verdict != verdict.Crash || len(stray) > 0 {
		place(&out, r.Console, strings.Join(stray, "\n"))
	}
	return out
}

// place files a judgement under what JUnit has for it: a failure is the
// kernel's answer, an error the lack of one.
func place(c *junitCase, j verdict.Judgement, text string) {
	o := &outcome{Message: j.Reason, Type: string(j.Verdict), Text: text}
	switch j.Verdict {
	case verdict.Pass:
	case verdict.Fail:
		c.Failure = o
	case verdict.Empty, verdict.Untestable:
		c.Skipped = o
	default:
		c.Error = o
	}
}
