package lab

import (
	"time"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// FirstPort is the source port of trial 0. Clients of a lab take their ports
// from here upwards, accel.Ports of them at most, and server ports are below:
// so the client's port tells the trial wherever no port is used twice.
const FirstPort = 20 * accel.Ports

func trialAt(clientPort uint16) int { return int(clientPort % accel.Ports) }

// An entry may outlive the last descriptor of its socket by this much. The
// kernel removes it within close(2); what is waited for is a goroutine or a
// process that is still about to close. The number of looks matters on a guest
// that stands still for a while: time passes for it, but nothing gets done.
const (
	grace = 50 * time.Millisecond
	looks = 20
)

// JudgeAtRest waits until the map is empty. What is still there after the
// grace is stale: every descriptor must have been closed before.
func (l *Lab) JudgeAtRest(t *evidence.Tally) error {
	deadline := time.Now().Add(evidence.Stretch(grace))
	for look := 1; ; look++ {
		entries, err := l.Accel.Entries()
		if err != nil || len(entries) == 0 {
			return err
		}
		if look >= looks && time.Now().After(deadline) {
			for _, e := range entries {
				t.Found(trialAt(e.ClientPort()), event.StaleEntry, "entry of a socket that is gone: %s", e)
			}
			l.journal.stale(entries)
			return nil
		}
		time.Sleep(grace / looks)
	}
}
