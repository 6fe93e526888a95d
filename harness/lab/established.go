package lab

import (
	"fmt"
	"time"

	"github.com/krepro/krepro/harness/evidence"
)

// handshake bounds how long the last ACK of a handshake may be on its way.
const handshake = 2 * time.Second

// Updates is how many map updates have been tried since Reset: two for each
// accelerated connection that is established at both ends.
func (l *Lab) Updates() (uint64, error) {
	c, err := l.Accel.Counters()
	return c.Inserted + c.Exists + c.Failed, err
}

// AwaitUpdates waits until so many updates have been tried.
//
// The client is connected before the server is: its connect(2) returns when
// the SYN-ACK is in, while the ACK that establishes the server's socket is
// still under way. A client that sends within that gap finds no peer in the
// map, and its data takes the ordinary path: rare, harmless, and in the way of
// a spec that counts.
func (l *Lab) AwaitUpdates(n uint64) error {
	deadline := time.Now().Add(evidence.Stretch(handshake))
	for {
		got, err := l.Updates()
		if err != nil || got >= n {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("await %d map updates: only %d after %s", n, got, evidence.Stretch(handshake))
		}
		time.Sleep(time.Millisecond)
	}
}
