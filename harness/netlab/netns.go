// Package netlab builds networks out of network namespaces and veth pairs, as
// values that close themselves. Nothing here touches the namespace the process
// started in: every device, address, route and sysctl lands in a namespace
// that this package made, and goes with it.
package netlab

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Netns is one network namespace, held by a file descriptor: it has no name in
// the file system, and is gone when the last socket, process and descriptor
// that refers to it is.
type Netns struct {
	Name string // for people: node, pod1, …

	fd netns.NsHandle
	nl *netlink.Handle
}

// NewNetns makes an empty namespace with its loopback device up (locally
// generated ICMP needs it).
func NewNetns(name string) (*Netns, error) {
	n := &Netns{Name: name}
	err := onThread(func() (err error) {
		n.fd, err = netns.New() // moves this thread there
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create netns %s: %w", name, err)
	}
	if n.nl, err = netlink.NewHandleAt(n.fd, unix.NETLINK_ROUTE); err != nil {
		n.fd.Close()
		return nil, fmt.Errorf("open netlink in netns %s: %w", name, err)
	}
	if err := n.Up("lo"); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Inode is the number that the kernel knows it by: ls -l /proc/PID/ns/net.
func (n *Netns) Inode() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(n.fd), &st); err != nil {
		return 0, fmt.Errorf("stat netns %s: %w", n.Name, err)
	}
	return st.Ino, nil
}

// Close lets go of the namespace.
func (n *Netns) Close() error {
	n.nl.Close()
	if err := n.fd.Close(); err != nil {
		return fmt.Errorf("close netns %s: %w", n.Name, err)
	}
	return nil
}

// Do runs f on a thread of its own inside the namespace, and waits for it.
// Sockets that f makes belong to the namespace for good and may be used from
// anywhere later. Goroutines that f starts are not inside it.
func (n *Netns) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.fd); err != nil {
			return fmt.Errorf("enter netns %s: %w", n.Name, err)
		}
		return f()
	})
}

// Sysctl writes a value below /proc/sys/net of the namespace, say
// "ipv4/ip_forward". The tree shown is that of the thread's namespace.
func (n *Netns) Sysctl(name, value string) error {
	return n.Do(func() error {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			return fmt.Errorf("set sysctl net/%s in netns %s: %w", name, n.Name, err)
		}
		return nil
	})
}

// Up sets a device up.
func (n *Netns) Up(device string) error {
	link, err := n.nl.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s in netns %s: %w", device, n.Name, err)
	}
	if err := n.nl.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up in netns %s: %w", device, n.Name, err)
	}
	return nil
}

// onThread runs f on a locked thread that is left to die: it never comes back
// to the scheduler, so no other goroutine can wake up in a foreign namespace.
// A panic of f (a failed assertion, say) is passed on to the caller.
func onThread(f func() error) error {
	result := make(chan error, 1)
	panicked := make(chan any, 1)
	go func() {
		runtime.LockOSThread()
		defer func() {
			if r := recover(); r != nil {
				panicked <- r
			}
		}()
		result <- f()
	}()
	select {
	case err := <-result:
		return err
	case r := <-panicked:
		panic(r)
	}
}
