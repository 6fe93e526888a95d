package report

import (
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"github.com/krepro/krepro/vmtest/verdict"
)

func TestJUnit(t *testing.T) {
	for _, folder := range []string{"affected", "wrong-symptom", "panic-in-spec", "untestable-config", "warning", "skipped-spec"} {
		files, err := JUnit(judged(t, folder)[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 2 {
			t.Errorf("%s: %d files, want one of the suite and one of the kernel", folder, len(files))
		}
		golden(t, "junit-"+folder+".xml", files["sockmap"])
		golden(t, "junit-"+folder+"-kernel.xml", files[onKernel])
	}
}

// ingested are the test cases that a CI system's parser finds in the JUnit files
// of results, counted.
func ingested(t *testing.T, results []verdict.Result) Counts {
	t.Helper()
	var out Counts
	for _, r := range results {
		files, err := JUnit(r)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			suites, err := junit.Ingest(text)
			if err != nil || len(suites) != 1 {
				t.Fatalf("%s: %d suites, %v, in\n%s", name, len(suites), err, text)
			}
			attributesTell(t, string(text), suites[0].Tests)
			for _, test := range suites[0].Tests {
				out.add(parsed(test))
			}
		}
	}
	return out
}

func parsed(test junit.Test) status {
	switch test.Status {
	case junit.StatusPassed:
		return passed
	case junit.StatusFailed:
		return failed
	case junit.StatusError:
		return errored
	}
	if strings.HasPrefix(test.Message, expectedFailure) {
		return known
	}
	return skipped
}

// attributesTell holds the counts that the file states against its elements.
func attributesTell(t *testing.T, text string, tests []junit.Test) {
	t.Helper()
	var c Counts
	for _, test := range tests {
		c.add(parsed(test))
	}
	stated := junitSuite{Tests: len(tests), Failures: c.Failed, Errors: c.Errors, Skipped: c.Skipped + c.Known}
	for attr, n := range map[string]int{"tests": stated.Tests, "failures": stated.Failures, "errors": stated.Errors, "skipped": stated.Skipped} {
		if want := attr + `="` + Thousands(n) + `"`; !strings.Contains(text, want) {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
}

// What a kernel or a test wrote cannot break the XML.
func TestJUnitOfAnything(t *testing.T) {
	r := judged(t, "wrong-symptom")[0]
	r.Suites[0].Specs[0].Text = "]]> \x00\x1b[31m <b>&\xff"
	if got, want := ingested(t, []verdict.Result{r}), CountsOf([]verdict.Result{r}); got.Failed != want.Failed || got.Passed != want.Passed {
		t.Errorf("parsed %v, want %v", got, want)
	}
}
