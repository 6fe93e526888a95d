// Package evidence streams what a Ginkgo suite does out of the guest as it
// happens, one record a line (package event). Ginkgo writes its own reports
// when a suite has ended, so a guest that panics takes them along; a begin
// without an end survives and names the spec that did it.
//
// Run by hand, without event.EnvEvents in the environment, nothing is streamed.
package evidence

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
)

// stream is the suite's one channel; a process runs one suite.
var stream struct {
	event.Writer
	suite string
	began time.Time
	begun bool   // the spec at hand has a begin record
	tally *Tally // of the running spec
}

// Run runs the suite of that name: all that a suite's Test function does.
func Run(t *testing.T, suite string) {
	stream.suite = suite
	if path := os.Getenv(event.EnvEvents); path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatalf("open event channel: %v", err)
		}
		defer f.Close()
		stream.W = f
	}
	if s := os.Getenv(event.EnvSize); s != "" && s != Size() {
		t.Fatalf("%s=%s: want %s, %s or %s", event.EnvSize, s, Quick, Default, Soak)
	}
	gomega.RegisterFailHandler(ginkgo.Fail)
	ginkgo.ReportBeforeSuite(suiteBegins)
	ginkgo.ReportBeforeEach(specBegins)
	ginkgo.ReportAfterEach(specEnds)
	ginkgo.ReportAfterSuite("event stream", suiteEnds)
	ginkgo.RunSpecs(t, suite)
}

func write(r event.Record) {
	r.Suite = stream.suite
	if err := stream.Write(r); err != nil {
		ginkgo.AbortSuite(fmt.Sprintf("event channel: %v", err))
	}
}

func suiteBegins(r types.Report) {
	stream.began = time.Now()
	write(event.Record{
		Kind: event.SuiteBegin, Size: Size(), Seed: r.SuiteConfig.RandomSeed,
		Specs: r.PreRunStats.SpecsThatWillRun,
	})
}

func specBegins(r types.SpecReport) {
	stream.tally = nil
	stream.begun = !r.State.Is(types.SpecStateSkipped | types.SpecStatePending)
	if !stream.begun {
		return // filtered out
	}
	write(event.Record{Kind: event.SpecBegin, Spec: r.FullText(), Labels: r.Labels()})
}

func specEnds(r types.SpecReport) {
	if !stream.begun {
		return
	}
	rec := event.Record{
		Kind: event.SpecEnd, Spec: r.FullText(), State: state(r.State),
		Seconds: event.Round(r.RunTime), Text: r.FailureMessage(),
	}
	if r.Failed() {
		l := r.FailureLocation()
		rec.Where = fmt.Sprintf("%s:%d", l.FileName, l.LineNumber)
	}
	if t := stream.tally; t != nil {
		rec.Trials, rec.Failures = t.trials, t.failures()
	}
	write(rec)
}

func suiteEnds(r types.Report) {
	end := event.Passed
	if !r.SuiteSucceeded {
		end = event.Failed
	}
	write(event.Record{Kind: event.SuiteEnd, State: end, Seconds: event.Round(time.Since(stream.began)), Text: suiteFailure(r)})
}

// suiteFailure is why a suite failed outside its specs, in BeforeSuite say.
func suiteFailure(r types.Report) string {
	for _, s := range r.SpecReports {
		if s.LeafNodeType != types.NodeTypeIt && s.Failed() {
			return s.LeafNodeType.String() + ": " + s.FailureMessage()
		}
	}
	return ""
}

func state(s types.SpecState) string {
	switch s {
	case types.SpecStatePassed:
		return event.Passed
	case types.SpecStateSkipped, types.SpecStatePending:
		return event.Skipped
	case types.SpecStatePanicked:
		return event.Panicked
	case types.SpecStateTimedout:
		return event.TimedOut
	case types.SpecStateInterrupted, types.SpecStateAborted:
		return event.Interrupted
	}
	return event.Failed
}

// Untestable skips the running spec (or, in BeforeSuite, every spec) because
// the kernel lacks something, and says what: a config option, a symbol, a helper.
func Untestable(lacks string) {
	ginkgo.GinkgoHelper()
	write(event.Record{Kind: event.Untestable, Spec: currentSpec(), Text: lacks})
	ginkgo.Skip("untestable: the kernel lacks " + lacks)
}

func currentSpec() string {
	if r := ginkgo.CurrentSpecReport(); r.LeafNodeType == types.NodeTypeIt {
		return r.FullText()
	}
	return ""
}

// Record streams a piece of evidence about the running spec, or the suite: data
// is the type of package event that goes with the kind.
func Record(kind event.Kind, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode %s record: %w", kind, err)
	}
	if len(b) > event.MaxLine {
		return fmt.Errorf("encode %s record: %d bytes are too long for a line", kind, len(b))
	}
	write(event.Record{Kind: kind, Spec: currentSpec(), Data: b})
	return nil
}

// Timed runs f and streams how long it took, as a phase of that name.
func Timed(name string, f func() error) error {
	start := time.Now()
	err := f()
	write(event.Record{Kind: event.Phase, Name: name, Seconds: event.Round(time.Since(start))})
	return err
}
