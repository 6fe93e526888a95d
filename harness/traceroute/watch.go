package traceroute

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/krepro/krepro/harness/netlab"
)

// Watch sees every ICMP message that comes to a host, by a raw socket: also
// those that the kernel does not hand to the socket that caused them.
type Watch struct{ conn *net.IPConn }

// NewWatch begins to watch.
func NewWatch(h *netlab.Host) (*Watch, error) {
	w := &Watch{}
	err := h.Do(func() (err error) {
		w.conn, err = net.ListenIP("ip4:icmp", nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watch ICMP in netns %s: %w", h.Name, err)
	}
	return w, nil
}

// FragNeeded waits for a FRAG_NEEDED about a TCP or UDP packet from a source
// port, and returns who sent it and the MTU.
func (w *Watch) FragNeeded(source uint16, wait time.Duration) (from netip.Addr, mtu int, err error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return from, 0, fmt.Errorf("set deadline: %w", err)
	}
	buf := make([]byte, 1500)
	for {
		n, peer, err := w.conn.ReadFromIP(buf)
		if err != nil {
			return from, 0, fmt.Errorf("wait for FRAG_NEEDED: %w", err)
		}
		if mtu, port, ok := parseFragNeeded(buf[:n]); ok && port == source {
			from, _ := netip.AddrFromSlice(peer.IP.To4())
			return from, mtu, nil
		}
	}
}

// Close ends it.
func (w *Watch) Close() error { return w.conn.Close() }
