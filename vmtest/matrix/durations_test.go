package matrix

import (
	"encoding/json"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

func ran(ref string, whole float64, reason string, suites ...verdict.Suite) verdict.Result {
	return verdict.Result{Kernel: event.Kernel{Ref: ref}, Exit: &event.Exit{Reason: reason, Seconds: whole}, Suites: suites}
}

func took(name, size string, seconds float64) verdict.Suite {
	return verdict.Suite{Name: name, Size: size, Seconds: seconds}
}

func TestDurations(t *testing.T) {
	d := Durations{}
	d.Add([]verdict.Result{
		ran("a", 14, event.ExitDone, took("smoke", "quick", 2), took("sockmap", "quick", 8)),
		ran("b", 26, event.ExitDone, took("smoke", "quick", 4), took("sockmap", "quick", 16)),
		ran("b", 31, event.ExitDone, took("probes", "quick", 25)),
		ran("c", 900, event.ExitDeadline, took("smoke", "quick", 800)), // says nothing of how long it takes
		{Kernel: event.Kernel{Ref: "d"}},
	})
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = ReadDurations(data); err != nil || len(d) != 2 {
		t.Fatalf("read again: %v, %v", d, err)
	}
	both := []string{"smoke", "sockmap"}
	for _, test := range []struct {
		kernel string
		suites []string
		size   string
		want   float64
		from   Source
	}{
		{"a", both, "quick", 14, Measured},
		{"b", both, "quick", 26, Measured},
		{"b", []string{"probes"}, "quick", 31, Measured},
		{"a", []string{"probes"}, "quick", 29, Others},
		{"new", both, "quick", 26, Others},
		{"a", both, "soak", 4 + 2*guess, Guessed},
		{"new", []string{"audit"}, "quick", 6 + guess, Guessed},
	} {
		if got, from := d.Of(test.kernel, test.suites, func(string) string { return test.size }); got != test.want || from != test.from {
			t.Errorf("%s %v %s: %v s by %q, want %v by %q", test.kernel, test.suites, test.size, got, from, test.want, test.from)
		}
	}
	for _, text := range []string{"", "[]", `{"a": {"boot": -1}}`, `{"a": 3}`} {
		if _, err := ReadDurations([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
