package vmtest

import (
	"context"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// restartTime is how long the guest may take from its Done record to its end.
const restartTime = 20 * time.Second

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
	limits := []struct {
		reason string
		at     time.Time
	}{
		{event.ExitDeadline, s.start.Add(m.Whole)},
		{event.ExitBootDeadline, s.start.Add(m.Boot)},
		{event.ExitSilence, s.last.Add(m.Silence)},
	}
	wait = time.Hour
	for _, l := range limits {
		// Before PID 1 reports, silence is the boot deadline's business.
		if l.reason == event.ExitBootDeadline && s.booted || l.reason == event.ExitSilence && !s.booted {
			continue
		}
		if m.Shell != nil && l.reason != event.ExitBootDeadline {
			continue // a person thinks for as long as it takes
		}
		left := l.at.Sub(now)
		if left <= 0 {
			return l.reason, 0
		}
		wait = min(wait, left)
	}
	return "", wait
}

// watch waits until the VM ends by itself (no reason) or must be stopped.
func (m *Machine) watch(ctx context.Context, f *follower, ended <-chan struct{}) string {
	for {
		reason, wait := m.due(f.state(), time.Now())
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
