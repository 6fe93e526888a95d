// Package accel installs socket acceleration as Cilium v1.11.10 did it: a
// sockops program on a cgroup that enters every established connection between
// known endpoints into a sockhash, and an sk_msg program on that map that
// redirects each sendmsg to its peer's socket.
package accel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
)

// Flags of a map update (bpf(2)).
const (
	Any     = uint64(ebpf.UpdateAny)     // replace what is there
	NoExist = uint64(ebpf.UpdateNoExist) // Cilium's: refuse if something is there
)

// Config is what may differ between specs. The zero value accelerates nothing.
type Config struct {
	Flags   uint64 // Any or NoExist
	Sockmap bool   // a SOCKMAP in place of the SOCKHASH
	// ServerPort tells the two ends of a connection apart when they are to be
	// put into a SOCKMAP, whose clients' ports must lie within 2,048 of each
	// other; the SOCKHASH needs none.
	ServerPort uint16
	// ByCookie makes a socket's cookie its key in a SOCKHASH; senders are led to it
	// by an index from 4-tuple to cookie.
	ByCookie bool
	// DeleteClosed deletes a socket's entry in the SOCKHASH as its state becomes
	// CLOSE (BPF_SOCK_OPS_STATE_CB).
	DeleteClosed bool
	Redirect     bool // sk_msg redirects; off: sockets enter the map, data takes the ordinary path
}

// Accel is the loaded and attached acceleration.
type Accel struct {
	objs    bpf.SockopsObjects
	links   []link.Link
	members *ebpf.Memory // of the members map
	cgroup  *Cgroup

	sockmapUsed, cookiesUsed bool // since Reset
}

// Open loads the programs and attaches them: sockops to a cgroup of this
// process's own, sk_msg to both maps. It does nothing until Configure and
// AddEndpoint have been called.
func Open() (a *Accel, err error) {
	a = &Accel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
			a = nil
		}
	}()
	if err = bpf.LoadSockopsObjects(&a.objs, nil); err != nil {
		return a, fmt.Errorf("load sockops objects: %w", err)
	}
	if a.members, err = a.objs.Members.Memory(); err != nil {
		return a, fmt.Errorf("map members: %w", err)
	}
	if a.cgroup, err = JoinCgroup(); err != nil {
		return a, err
	}
	l, err := link.AttachCgroup(link.CgroupOptions{
		Path: a.cgroup.Path, Attach: ebpf.AttachCGroupSockOps, Program: a.objs.Establish,
	})
	if err != nil {
		return a, fmt.Errorf("attach sockops program to %s: %w", a.cgroup.Path, err)
	}
	a.links = append(a.links, l)
	for _, m := range a.maps() {
		err = errors.Join(err, a.attachSend(m))
	}
	return a, err
}

// maps are those that sockets are entered into.
func (a *Accel) maps() []*ebpf.Map {
	return []*ebpf.Map{a.objs.SockHash, a.objs.SockMap, a.objs.CookieHash}
}

// attachSend ties the sk_msg program to a map: every socket that enters the
// map from now on sends through it. The tie lasts as long as the map.
func (a *Accel) attachSend(m *ebpf.Map) error {
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: m.FD(), Program: a.objs.Send, Attach: ebpf.AttachSkMsgVerdict,
	})
	if err != nil {
		return fmt.Errorf("attach sk_msg program to %s: %w", m, err)
	}
	return nil
}

// Close detaches and unloads. Program and map would keep each other alive, so
// the tie is cut first.
func (a *Accel) Close() error {
	var errs []error
	for _, l := range a.links {
		errs = append(errs, l.Close())
	}
	for _, m := range a.maps() {
		if m == nil {
			continue
		}
		err := link.RawDetachProgram(link.RawDetachProgramOptions{
			Target: m.FD(), Program: a.objs.Send, Attach: ebpf.AttachSkMsgVerdict,
		})
		if err != nil && len(a.links) > 0 {
			errs = append(errs, fmt.Errorf("detach sk_msg program: %w", err))
		}
	}
	errs = append(errs, a.objs.Close())
	if a.cgroup != nil {
		errs = append(errs, a.cgroup.Close())
	}
	return errors.Join(errs...)
}

// Configure sets the knobs for the connections from now on.
func (a *Accel) Configure(c Config) error {
	a.sockmapUsed = a.sockmapUsed || c.Sockmap
	a.cookiesUsed = a.cookiesUsed || c.ByCookie
	return errors.Join(
		a.objs.UpdateFlags.Set(c.Flags),
		a.objs.UseSockmap.Set(flag(c.Sockmap)),
		a.objs.ServerPort.Set(c.ServerPort),
		a.objs.ByCookie.Set(flag(c.ByCookie)),
		a.objs.DeleteClosed.Set(flag(c.DeleteClosed)),
		a.objs.Redirect.Set(flag(c.Redirect)),
	)
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// AddEndpoint names an address of this node or of one of its pods.
func (a *Accel) AddEndpoint(ip netip.Addr) error {
	if err := a.objs.Endpoints.Put(bpf.SockopsAddress{Word: words(ip)}, uint8(1)); err != nil {
		return fmt.Errorf("add endpoint %s: %w", ip, err)
	}
	return nil
}

// Reset empties the maps and zeroes the counters, so that what one spec left
// behind (on an affected kernel: stale entries) does not reach the next.
func (a *Accel) Reset() error {
	entries, err := a.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := a.remove(e); err != nil {
			return err
		}
	}
	refused, err := a.Refused()
	if err != nil {
		return err
	}
	for _, r := range refused {
		if err := a.objs.Refused.Delete(r.Cookie); err != nil {
			return fmt.Errorf("clear refused updates: %w", err)
		}
	}
	a.sockmapUsed, a.cookiesUsed = false, false
	return a.zero()
}

func (a *Accel) zero() error {
	var errs []error
	for _, v := range a.counters() {
		errs = append(errs, v.Set(uint64(0)))
	}
	return errors.Join(errs...)
}
