package netlab

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Ping sends one ICMP echo request from the host and waits for its reply.
// It needs CAP_NET_RAW.
func (h *Host) Ping(to netip.Addr, timeout time.Duration) error {
	network, listen, proto := "ip4:icmp", "0.0.0.0", 1
	var request, reply icmp.Type = ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply
	if to.Is6() {
		network, listen, proto = "ip6:ipv6-icmp", "::", 58
		request, reply = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
	}
	var conn *icmp.PacketConn
	err := h.Do(func() (err error) {
		conn, err = icmp.ListenPacket(network, listen)
		return err
	})
	if err != nil {
		return fmt.Errorf("open icmp socket in netns %s: %w", h.Name, err)
	}
	defer conn.Close()
	msg := icmp.Message{Type: request, Body: &icmp.Echo{ID: 1, Seq: 1, Data: []byte("krepro")}}
	wire, err := msg.Marshal(nil)
	if err != nil {
		return fmt.Errorf("encode echo request: %w", err)
	}
	if _, err := conn.WriteTo(wire, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		return fmt.Errorf("ping %s from %s: %w", to, h.Name, err)
	}
	return awaitReply(conn, to, reply, proto, timeout)
}

func awaitReply(conn *icmp.PacketConn, from netip.Addr, want icmp.Type, proto int, timeout time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	buf := make([]byte, 1500)
	for {
		n, peer, err := conn.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("ping %s: no reply in %s: %w", from, timeout, err)
		}
		msg, err := icmp.ParseMessage(proto, buf[:n])
		if err == nil && msg.Type == want && peer.String() == from.String() {
			return nil
		}
	}
}
