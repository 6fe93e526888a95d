package probe

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// Destroy ends a TCP socket over IPv4 from outside, as ss -K does
// (SOCK_DESTROY, sock_diag(7)): to be called inside Netns.Do. A listener's
// remote address is the zero AddrPort. It needs the tcp_diag module and
// CONFIG_INET_DIAG_DESTROY; without the latter the error is EOPNOTSUPP.
func Destroy(local, remote netip.AddrPort) error {
	if !remote.IsValid() {
		remote = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	if err := netlink.SocketDestroy(net.TCPAddrFromAddrPort(local), net.TCPAddrFromAddrPort(remote)); err != nil {
		return fmt.Errorf("destroy socket %s > %s: %w", local, remote, err)
	}
	return nil
}
