package vmtest

import (
	"errors"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

func TestDue(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	m := Machine{Boot: 60 * time.Second, Silence: 100 * time.Second, Whole: 900 * time.Second}
	shell := m
	shell.Shell = struct{ errReadWriter }{}
	tests := map[string]struct {
		m      Machine
		s      state
		now    int
		reason string
		wait   int // seconds
	}{
		"booting":              {m, state{start: start, last: start}, 10, "", 50},
		"not booted":           {m, state{start: start, last: at(59)}, 60, event.ExitBootDeadline, 0},
		"silent while booting": {m, state{start: start, last: at(1)}, 59, "", 1},
		"running":              {m, state{start: start, last: at(70), booted: true}, 100, "", 70},
		"silent":               {m, state{start: start, last: at(70), booted: true}, 170, event.ExitSilence, 0},
		"asked":                {m, state{start: start, last: at(70), asked: at(170), booted: true}, 175, "", 15},
		"no answer":            {m, state{start: start, last: at(70), asked: at(170), booted: true}, 190, event.ExitSilence, 0},
		"answered":             {m, state{start: start, last: at(171), asked: at(170), booted: true}, 190, "", 81},
		"near the end":         {m, state{start: start, last: at(890), booted: true}, 895, "", 5},
		"time used up":         {m, state{start: start, last: at(899), booted: true}, 900, event.ExitDeadline, 0},
		"done":                 {m, state{start: start, last: at(899), booted: true, done: at(899)}, 905, "", 14},
		"does not stop":        {m, state{start: start, last: at(5), booted: true, done: at(5)}, 25, event.ExitDone, 0},
		"host failed":          {m, state{start: start, last: at(5), err: errors.New("disk")}, 6, event.ExitHost, 0},
		"person thinks":        {shell, state{start: start, last: at(5), booted: true}, 5000, "", 3600},
		"shell does not boot":  {shell, state{start: start, last: at(5)}, 61, event.ExitBootDeadline, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reason, wait := test.m.due(test.s, at(test.now))
			if reason != test.reason || wait != time.Duration(test.wait)*time.Second {
				t.Errorf("due: %q in %s, want %q in %d s", reason, wait, test.reason, test.wait)
			}
		})
	}
}

type errReadWriter struct{}

func (errReadWriter) Read([]byte) (int, error)  { return 0, errors.New("nobody") }
func (errReadWriter) Write([]byte) (int, error) { return 0, errors.New("nobody") }
