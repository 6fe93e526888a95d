package netlab

import (
	"errors"
	"net/netip"
)

// Star is a router with hosts around it, each on a link of its own. The router's
// device has the name of the host at its other end. IPv4 alone.
//
//	client ── eth0 ── client router server ── eth0 ── server
type Star struct {
	Router *Host
	Spokes []*Host // in the order of their names in NewStar; 198.18.1.1, 198.18.2.1, …
}

// NewStar builds a router and the hosts around it. Nobody checks where a packet
// comes from (rp_filter): answers may take another way than requests.
func NewStar(names ...string) (s *Star, err error) {
	s = &Star{}
	defer func() {
		if err != nil {
			s.Close()
			s = nil
		}
	}()
	if s.Router, err = newHost("router", netip.Addr{}, netip.Addr{}); err != nil {
		return s, err
	}
	if err = errors.Join(s.Router.forward(), s.Router.acceptAnyWay()); err != nil {
		return s, err
	}
	for i, name := range names {
		if err = s.addSpoke(name, byte(i+1)); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Star) addSpoke(name string, i byte) error {
	h, err := newHost(name, netip.AddrFrom4([4]byte{198, 18, i, 1}), netip.Addr{})
	if err != nil {
		return err
	}
	s.Spokes = append(s.Spokes, h)
	if err := h.acceptAnyWay(); err != nil {
		return err
	}
	if err := Veth(s.Router.Netns, name, h.Netns, h.Device); err != nil {
		return err
	}
	return errors.Join(
		s.Router.Address(name, gateway(h), 24),
		h.Address(h.Device, h.V4, 24),
		s.MTU(h, 0),
	)
}

// MTU gives a host's one route, that by the router, an MTU. 0: the device's.
func (s *Star) MTU(h *Host, mtu int) error {
	return h.Route(Route{To: netip.MustParsePrefix("0.0.0.0/0"), Device: h.Device, Via: gateway(h), MTU: mtu})
}

// gateway is the router's address on a host's link: 198.18.1.254, 198.18.2.254, …
func gateway(h *Host) netip.Addr {
	ip := h.V4.As4()
	ip[3] = 254
	return netip.AddrFrom4(ip)
}

// acceptAnyWay turns off reverse path filtering on devices to come: the
// stricter of all's and a device's setting counts.
func (h *Host) acceptAnyWay() error {
	return errors.Join(
		h.Sysctl("ipv4/conf/all/rp_filter", "0"),
		h.Sysctl("ipv4/conf/default/rp_filter", "0"),
	)
}

// Close lets go of router and hosts.
func (s *Star) Close() error { return closeHosts(append(s.Spokes, s.Router)...) }
