package vmtest

import (
	"context"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// restartTime is how long the guest may take from its Done record to its end.
const restartTime = 20 * time.Second

// answerTime is how long PID 1 may take to show that it ended a silent suite.
const answerTime = 20 * time.Second

// due tells whether a VM must be stopped now, and why; else how long it may go
// on before that has to be asked again.
func (m *Machine) due(s state, now time.Time) (reason string, wait time.Duration) {
	if s.err != nil {
		return event.ExitHost, 0
	}
	if !s.done.IsZero() {
		wait = s.done.Add(restartTime).Sub(now)
		if wait <= 0 {
			return event.ExitDone, 0 // it said all it had to say
		}
		return "", wait
	}
	wait = time.Hour
	for _, l := range m.limits(s) {
		left := l.at.Sub(now)
		if left <= 0 {
			return l.reason, 0
		}
		wait = min(wait, left)
	}
	return "", wait
}

type limit struct {
	reason string
	at     time.Time
}

// limits are the deadlines that hold in a state. Before PID 1 reports, silence
// is the boot deadline's business; a person at the shell thinks for as long as
// it takes.
func (m *Machine) limits(s state) []limit {
	if !s.booted {
		return []limit{{event.ExitDeadline, s.start.Add(m.Whole)}, {event.ExitBootDeadline, s.start.Add(m.Boot)}}
	}
	if m.Shell != nil {
		return nil
	}
	silence := s.last.Add(m.Silence)
	if s.asked.After(s.last) {
		silence = s.asked.Add(answerTime)
	}
	return []limit{{event.ExitDeadline, s.start.Add(m.Whole)}, {event.ExitSilence, silence}}
}

// watch waits until the VM ends by itself (no reason) or must be stopped. A
// silent one gets a chance first: if its kernel lives, PID 1 can end the suite,
// say what it hung on, and go on with the next.
func (m *Machine) watch(ctx context.Context, f *follower, ended <-chan struct{}, endSuite func() error) string {
	for {
		s := f.state()
		reason, wait := m.due(s, time.Now())
		if reason == event.ExitSilence && !s.asked.After(s.last) {
			if err := endSuite(); err == nil {
				f.ask()
				continue
			}
		}
		if reason != "" {
			return reason
		}
		timer := time.NewTimer(wait)
		select {
		case <-ended:
		case <-ctx.Done():
			reason = event.ExitCancelled
		case <-f.news:
			timer.Stop()
			continue
		case <-timer.C:
			continue
		}
		timer.Stop()
		return reason
	}
}
