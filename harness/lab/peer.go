package lab

import (
	"fmt"
	"time"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

// handshake bounds how long the last ACK of a handshake may be on its way.
const handshake = 2 * time.Second

// AwaitPeer waits until the server's end of a connection is in the sockhash.
//
// The client is connected before the server is: its connect(2) returns when
// the SYN-ACK is in, while the ACK that establishes the server's socket is
// still under way. A client that sends within that gap finds no peer in the
// map, and its data takes the ordinary path: rare, harmless, and in the way of
// a spec that counts redirects.
func (l *Lab) AwaitPeer(c *probe.Conn) error {
	local, remote := c.Addrs()
	key := accel.KeyOf(remote, local)
	for deadline := time.Now().Add(evidence.Stretch(handshake)); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if has, err := l.Accel.Has(key); has || err != nil {
			return err
		}
	}
	return fmt.Errorf("await the server's entry %s: not in the map after %s", key, evidence.Stretch(handshake))
}
