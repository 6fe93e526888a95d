package netlab

import (
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// pair is a node and a pod, with a capture on the pod's device. It needs root.
func pair(t *testing.T) (*Cluster, *Capture) {
	t.Helper()
	if os.Getenv("KREPRO_NET_TESTS") == "" {
		t.Skip("makes network namespaces; set KREPRO_NET_TESTS=1")
	}
	cluster, err := NewCluster(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	c, err := cluster.Pods[0].Capture()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return cluster, c
}

// connect connects the node to the pod and returns both ends.
func connect(t *testing.T, cluster *Cluster, v6 bool) (client, server net.Conn) {
	t.Helper()
	pod := cluster.Pods[0]
	var listener net.Listener
	err := pod.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(pod.Addr(v6), 0).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = cluster.Node.Do(func() (err error) {
		client, err = net.Dial("tcp", listener.Addr().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// send moves so many bytes from one end to the other.
func send(t *testing.T, from io.Writer, to io.Reader, n int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(make([]byte, n))
		sent <- err
	}()
	if _, err := io.ReadFull(to, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func addrs(c net.Conn) (local, remote netip.AddrPort) {
	return c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
}

func TestCaptureOf(t *testing.T) {
	for name, v6 := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			cluster, c := pair(t)
			other, _ := connect(t, cluster, v6)
			began := event.Uptime()
			client, server := connect(t, cluster, v6)
			a, b := addrs(client)
			connected := event.Uptime()
			packets := of(t, c, a, b, began, connected)
			if got := flags(packets); !slices.Equal(got, []string{"> S", "< S.", "> ."}) {
				t.Fatalf("handshake is %q", got)
			}
			const large = 300_000
			send(t, client, server, 3)
			send(t, server, client, large)
			data := of(t, c, a, b, connected, event.Uptime())
			if to, from := payload(data); to != 3 || from != large {
				t.Errorf("%d bytes to the server and %d from it, want 3 and %d", to, from, large)
			}
			if got := flags(of(t, c, b, a, began, connected)); !slices.Equal(got, []string{"< S", "> S.", "< ."}) {
				t.Errorf("seen from the server, the handshake is %q", got)
			}
			checkPackets(t, append(packets, data...), began)
			checkSegments(t, c, a, b, other)
		})
	}
}

func of(t *testing.T, c *Capture, a, b netip.AddrPort, since, until time.Duration) []event.Packet {
	t.Helper()
	packets, err := c.Of(a, b, since, until)
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

func flags(packets []event.Packet) []string {
	var all []string
	for _, p := range packets {
		arrow := "< "
		if p.FromClient {
			arrow = "> "
		}
		all = append(all, arrow+p.Flags)
	}
	return all
}

func payload(packets []event.Packet) (fromClient, toClient int) {
	for _, p := range packets {
		if p.FromClient {
			fromClient += p.Payload
		} else {
			toClient += p.Payload
		}
	}
	return fromClient, toClient
}

// checkPackets checks the order of time, lengths, and that the bytes are those of the fields.
func checkPackets(t *testing.T, packets []event.Packet, began time.Duration) {
	t.Helper()
	last, widest := began.Seconds(), 0
	for _, p := range packets {
		if p.T < last {
			t.Errorf("packet at %f s after one at %f s", p.T, last)
		}
		last, widest = p.T, max(widest, p.Wire)
		s, err := ParseSegment(p.Raw)
		if err != nil || s.Seq != p.Seq || s.Ack != p.Ack || s.Payload != p.Payload || len(p.Raw) != min(p.Wire, rawBytes) {
			t.Errorf("%d bytes of %+v parse as %+v, %v", len(p.Raw), p, s, err)
		}
	}
	if widest < 1500 {
		t.Errorf("no packet is larger than %d bytes: the veth pair cuts segments, and nothing large was tried", widest)
	}
}

// checkSegments checks that Stop has what Of has, and the other connection's.
func checkSegments(t *testing.T, c *Capture, a, b netip.AddrPort, other net.Conn) {
	t.Helper()
	all := of(t, c, a, b, 0, event.Uptime())
	segments, err := c.Stop()
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := 0, 0
	local, _ := addrs(other)
	for _, s := range segments {
		switch {
		case s.Src == a && s.Dst == b, s.Src == b && s.Dst == a:
			mine++
		case s.Src == local, s.Dst == local:
			theirs++
		default:
			t.Errorf("a stranger's segment: %+v", s)
		}
	}
	if mine != len(all) || theirs != 3 {
		t.Errorf("%d segments of this connection and %d of the other, want %d and 3", mine, theirs, len(all))
	}
	if after := of(t, c, a, b, 0, event.Uptime()); len(after) != len(all) {
		t.Errorf("%d packets after Stop, %d before", len(after), len(all))
	}
}

// flood sends so many datagrams to the pod, while nobody empties the kernel's ring.
func flood(t *testing.T, cluster *Cluster, c *Capture, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	err := cluster.Node.Do(func() error {
		conn, err := net.Dial("udp", netip.AddrPortFrom(cluster.Pods[0].V4, 9).String())
		if err != nil {
			return err
		}
		defer conn.Close()
		for range n {
			conn.Write([]byte("x")) // refused: nobody listens
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCaptureCountsWhatItLacks(t *testing.T) {
	const room = blocks * blockBytes / frameBytes
	tests := map[string]struct {
		floods, each int
		lost         bool
		overwritten  bool
	}{
		"all there":   {2, room / 4, false, false},
		"overwritten": {4, room - 2000, false, true},
		"lost":        {1, room + 2000, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster, c := pair(t)
			for range test.floods {
				flood(t, cluster, c, test.each)
				c.Lost() // empties the kernel's ring
			}
			if got := c.Lost(); (got >= 2000) != test.lost {
				t.Errorf("lost %d", got)
			}
			if got := c.Overwritten(); (got > 0) != test.overwritten {
				t.Errorf("overwritten %d", got)
			}
			_, err := c.Of(netip.AddrPort{}, netip.AddrPort{}, 0, event.Uptime())
			if (err != nil) != test.overwritten {
				t.Errorf("packets since the beginning: %v", err)
			}
			if _, err := c.Stop(); (err != nil) != (test.lost || test.overwritten) {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

func TestCaptureOnNoDevice(t *testing.T) {
	cluster, _ := pair(t)
	host := *cluster.Remote
	host.Device = "eth7"
	if _, err := host.Capture(); err == nil {
		t.Error("captured on a device that is not there")
	}
}
