package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ErrNoIPVS says that the kernel has no IPVS, or that its module is not loaded.
var ErrNoIPVS = errors.New("kernel has no IPVS")

// The part of linux/ip_vs.h that it takes to add a service and a server.
const (
	ipvsCmdNewService = 1
	ipvsCmdNewDest    = 5

	ipvsCmdAttrService = 1
	ipvsCmdAttrDest    = 2

	ipvsSvcAttrFamily    = 1
	ipvsSvcAttrProtocol  = 2
	ipvsSvcAttrAddress   = 3
	ipvsSvcAttrPort      = 4
	ipvsSvcAttrScheduler = 6
	ipvsSvcAttrFlags     = 7
	ipvsSvcAttrTimeout   = 8
	ipvsSvcAttrNetmask   = 9

	ipvsDestAttrAddress = 1
	ipvsDestAttrPort    = 2
	ipvsDestAttrForward = 3
	ipvsDestAttrWeight  = 4
	ipvsDestAttrUpper   = 5
	ipvsDestAttrLower   = 6
	ipvsDestAttrFamily  = 11

	ipvsForwardTunnel = 2
)

// forwardByTunnel makes the namespace a director: what comes for the service,
// IPv4 and TCP, goes to the real server in an IPIP tunnel (ipvsadm -A -t SERVICE
// -s rr, ipvsadm -a -t SERVICE -r REAL -i). It needs ip_vs and ip_vs_rr.
func (n *Netns) forwardByTunnel(service netip.AddrPort, real netip.Addr) error {
	return n.Do(func() error {
		family, err := netlink.GenlFamilyGet("IPVS")
		if errors.Is(err, unix.ENOENT) {
			return ErrNoIPVS
		}
		if err != nil {
			return fmt.Errorf("find IPVS in netns %s: %w", n.Name, err)
		}
		svc := ipvsService(service)
		if err := ipvsDo(family.ID, ipvsCmdNewService, svc); err != nil {
			return fmt.Errorf("add IPVS service %s in netns %s: %w", service, n.Name, err)
		}
		if err := ipvsDo(family.ID, ipvsCmdNewDest, svc, ipvsServer(netip.AddrPortFrom(real, service.Port()))); err != nil {
			return fmt.Errorf("add %s to IPVS service %s in netns %s: %w", real, service, n.Name, err)
		}
		return nil
	})
}

func ipvsService(a netip.AddrPort) *nl.RtAttr {
	attr := nl.NewRtAttr(ipvsCmdAttrService|unix.NLA_F_NESTED, nil)
	attr.AddRtAttr(ipvsSvcAttrFamily, nl.Uint16Attr(unix.AF_INET))
	attr.AddRtAttr(ipvsSvcAttrProtocol, nl.Uint16Attr(unix.IPPROTO_TCP))
	attr.AddRtAttr(ipvsSvcAttrAddress, a.Addr().AsSlice())
	attr.AddRtAttr(ipvsSvcAttrPort, binary.BigEndian.AppendUint16(nil, a.Port()))
	attr.AddRtAttr(ipvsSvcAttrScheduler, nl.ZeroTerminated("rr"))
	attr.AddRtAttr(ipvsSvcAttrFlags, make([]byte, 8)) // no flag, of none
	attr.AddRtAttr(ipvsSvcAttrTimeout, nl.Uint32Attr(0))
	attr.AddRtAttr(ipvsSvcAttrNetmask, nl.Uint32Attr(^uint32(0)))
	return attr
}

func ipvsServer(a netip.AddrPort) *nl.RtAttr {
	attr := nl.NewRtAttr(ipvsCmdAttrDest|unix.NLA_F_NESTED, nil)
	attr.AddRtAttr(ipvsDestAttrFamily, nl.Uint16Attr(unix.AF_INET))
	attr.AddRtAttr(ipvsDestAttrAddress, a.Addr().AsSlice())
	attr.AddRtAttr(ipvsDestAttrPort, binary.BigEndian.AppendUint16(nil, a.Port()))
	attr.AddRtAttr(ipvsDestAttrForward, nl.Uint32Attr(ipvsForwardTunnel))
	attr.AddRtAttr(ipvsDestAttrWeight, nl.Uint32Attr(1))
	attr.AddRtAttr(ipvsDestAttrUpper, nl.Uint32Attr(0))
	attr.AddRtAttr(ipvsDestAttrLower, nl.Uint32Attr(0))
	return attr
}

// ipvsDo sends a command to the namespace that the calling thread is in.
func ipvsDo(family uint16, command uint8, attrs ...*nl.RtAttr) error {
	request := nl.NewNetlinkRequest(int(family), unix.NLM_F_ACK)
	request.AddData(&nl.Genlmsg{Command: command, Version: 1})
	for _, a := range attrs {
		request.AddData(a)
	}
	_, err := request.Execute(unix.NETLINK_GENERIC, 0)
	return err
}
