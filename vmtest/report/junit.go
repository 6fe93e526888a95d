package report

import (
	"encoding/xml"
	"fmt"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The part of JUnit's format that CI systems agree on.
type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    string   `xml:"time,attr"`
	Skipped *outcome `xml:"skipped"`
	Error   *outcome `xml:"error"`
	Failure *outcome `xml:"failure"`
	Out     string   `xml:"system-out,omitempty"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit is one VM's results as JUnit XML: a file for each suite by its name, and
// one named kernel for the cases and the console. It is made of the events, so
// a guest that panics loses nothing: the spec in flight is an error, and so are
// those that never began, as one test case. A failure that is expected is
// skipped, of type expected-failure: it is no news to CI.
func JUnit(r verdict.Result) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, of := range checksOf(r) {
		s := junitSuite{Name: of.name + " on " + kernel(r), Properties: junitProperties(r)}
		seconds := 0.0
		for _, c := range of.all {
			seconds += c.seconds
			s.add(junitCheck(kernel(r)+"."+of.name, c)) // by class and name a test case has to be the only one
		}
		s.Time = fmt.Sprintf("%.3f", seconds)
		text, err := xml.MarshalIndent(s, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encode junit: %w", err)
		}
		out[of.name] = append([]byte(xml.Header), append(text, '\n')...)
	}
	return out, nil
}

// junitProperties name the kernel.
func junitProperties(r verdict.Result) []junitProperty {
	k := r.Kernel
	return []junitProperty{{"kernel", kernel(r)}, {"release", k.Release}, {"reference", k.Ref}, {"sha256", k.ID}}
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

func junitCheck(class string, c check) junitCase {
	out := junitCase{Name: c.name, Class: class, Time: fmt.Sprintf("%.3f", c.seconds)}
	if c.rate.Trials > 0 {
		out.Out = Reach(c.rate)
	}
	o := &outcome{Message: blamed(c), Type: string(c.Verdict), Text: c.text}
	switch c.status {
	case known:
		o.Type, o.Message = "expected-failure", expectedFailure+o.Message
		out.Skipped = o
	case skipped:
		out.Skipped = o
	case failed:
		out.Failure = o
	case errored:
		out.Error = o
	}
	return out
}

// expectedFailure begins the message of one: some parsers keep no type.
const expectedFailure = "expected failure: "

// blamed is why a check did not pass, and who is to blame.
func blamed(c check) string {
	if c.Blame == verdict.OnNobody {
		return c.Reason
	}
	return fmt.Sprintf("%s (blame: %s)", c.Reason, c.Blame)
}
