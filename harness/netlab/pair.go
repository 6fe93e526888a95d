package netlab

import (
	"errors"
	"net/netip"
)

// Pair is two hosts on one link.
//
//	client ── eth0 ── eth0 ── server
type Pair struct {
	Client, Server *Host
}

// NewPair builds a pair.
func NewPair() (p *Pair, err error) {
	p = &Pair{}
	defer func() {
		if err != nil {
			p.Close()
			p = nil
		}
	}()
	if p.Client, err = newHost("client", netip.MustParseAddr("198.18.1.1"), netip.MustParseAddr("2001:db8:0:3::1")); err != nil {
		return p, err
	}
	if p.Server, err = newHost("server", netip.MustParseAddr("198.18.1.2"), netip.MustParseAddr("2001:db8:0:3::2")); err != nil {
		return p, err
	}
	if err = Veth(p.Client.Netns, "eth0", p.Server.Netns, "eth0"); err != nil {
		return p, err
	}
	return p, errors.Join(
		p.Client.Address("eth0", p.Client.V4, 24), p.Client.Address("eth0", p.Client.V6, 64),
		p.Server.Address("eth0", p.Server.V4, 24), p.Server.Address("eth0", p.Server.V6, 64),
	)
}

// Close lets go of both.
func (p *Pair) Close() error { return closeHosts(p.Client, p.Server) }

// closeHosts closes those that there are.
func closeHosts(hosts ...*Host) error {
	var errs []error
	for _, h := range hosts {
		if h != nil {
			errs = append(errs, h.Close())
		}
	}
	return errors.Join(errs...)
}
