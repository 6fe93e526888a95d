package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// tellObservers streams what is watched, and how.
func (l *Lab) tellObservers() error {
	for _, h := range l.Observer.Hooks {
		if err := evidence.Record(event.ObserverRecord, h); err != nil {
			return err
		}
	}
	return evidence.Record(event.ObserverRecord, event.Observer{Name: "packets", Hook: "AF_PACKET on the pods' devices"})
}

// Record streams the evidence of a spec that is over and has closed its
// sockets: the connections that were kept, the stale entries, and what these
// are a part of.
func (l *Lab) Record() error {
	j := &l.journal
	refused, err := l.Accel.Refused()
	if err != nil {
		return err
	}
	for _, w := range j.kept {
		c, err := l.connection(w, refused)
		if err != nil {
			return err
		}
		if err := l.record(event.ConnectionRecord, c); err != nil {
			return err
		}
	}
	if err := l.recordEntries(j.entries); err != nil {
		return err
	}
	j.coverage.Recorded, j.coverage.EntriesRecorded = len(j.kept), len(j.entries)
	if err := l.countUpdates(); err != nil {
		return err
	}
	return evidence.Record(event.CoverageRecord, j.coverage)
}

// record streams a record that names stacks, those first.
func (l *Lab) record(kind event.Kind, data any) error {
	for _, s := range l.Observer.Stacks() {
		if err := evidence.Record(event.StackRecord, s); err != nil {
			return err
		}
	}
	return evidence.Record(kind, data)
}

// countUpdates enters the outcomes of all map updates, and what was lost.
func (l *Lab) countUpdates() error {
	c, err := l.Accel.Counters()
	if err != nil {
		return err
	}
	of := &l.journal.coverage
	put(of.Updates, "ok", c.Inserted)
	put(of.Updates, "EEXIST", c.Exists)
	put(of.Updates, "other", c.Failed)
	put(of.Lost, "updates", c.Unrecorded)
	missed, err := l.Observer.Missed()
	if err != nil {
		return err
	}
	for name, n := range missed {
		put(of.Lost, name, n-l.journal.missed[name])
	}
	for _, pod := range l.Pods {
		put(of.Lost, "packets", uint64(l.captures[pod.V4].Lost()))
	}
	return nil
}

func put(in map[string]int, name string, n uint64) {
	if n > 0 {
		in[name] += int(n)
	}
}

// connection makes the record of one connection.
func (l *Lab) connection(w watched, refused []accel.Refusal) (event.Connection, error) {
	c := event.Connection{
		Trial: w.Trial, Began: w.Began, Connected: w.Connected, Sent: w.Sent, Control: w.Outcome.Control, Ended: w.Ended,
		Class: string(w.Class), Request: w.Request, Symptoms: w.symptoms,
	}
	if w.Err != nil {
		c.Error = w.Err.Error()
	}
	r := &recorder{Lab: l}
	if w.Server == 0 {
		w.Server = refusedServer(w.Outcome, refused)
	}
	c.Client = r.endpoint(client, w.Local, w.Client, w.Before, w.After)
	c.Server = r.endpoint(server, w.Remote, w.Server, w.ServerBefore, w.ServerAfter)
	c.Packets = r.packets(w.Outcome)
	c.Missing = r.missing
	for _, s := range []*event.Socket{c.Client.Socket, c.Server.Socket} {
		if s != nil && s.Update != nil && s.Update.Errno == "EEXIST" && !slices.Contains(c.Symptoms, event.Exists) {
			c.Symptoms = append(c.Symptoms, event.Exists)
		}
	}
	return c, r.err
}

// refusedServer finds the server's socket of a connection among the updates that
// were refused: there it is known even if another process accepted it, or nobody.
func refusedServer(o probe.Outcome, refused []accel.Refusal) (cookie uint64) {
	for _, r := range refused {
		if r.Passive && r.Key == accel.KeyOf(o.Remote, o.Local) && r.Cookie > cookie && r.Cookie > o.Client {
			cookie = r.Cookie // of several the newest, as far as cookies tell
		}
	}
	return cookie
}

// recorder collects what could not be had, while a record is made.
type recorder struct {
	*Lab
	missing []event.Missing
	err     error
}

func (r *recorder) miss(what string, why error) {
	r.missing = append(r.missing, event.Missing{What: what, Why: why.Error()})
}

func (r *recorder) fail(err error) { r.err = errors.Join(r.err, err) }

var errUnknown = errors.New("its cookie is not known: not accepted, or by another process")

func (r *recorder) endpoint(at end, addr netip.AddrPort, cookie uint64, before, after *event.TCPInfo) event.Endpoint {
	e := event.Endpoint{Addr: addr}
	if h := r.hostOf(addr.Addr()); h != nil {
		var err error
		e.Role = h.Name
		if e.Netns, err = h.Inode(); err != nil {
			r.fail(err)
		}
	}
	if cookie == 0 {
		r.miss(at.String()+" socket", errUnknown)
		return e
	}
	e.Socket = r.socket(at.String(), cookie)
	if e.Socket == nil {
		e.Socket = &event.Socket{Cookie: cookie}
	}
	e.Socket.Before, e.Socket.After = before, after
	return e
}

// socket is the life of a socket; nil if it is not known any more.
func (r *recorder) socket(whose string, cookie uint64) *event.Socket {
	s, err := r.Observer.Life(cookie)
	if errors.Is(err, observe.ErrForgotten) {
		r.miss(whose+" moments", err)
		return nil
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	s.Update, s.Redirects, err = r.Accel.Member(cookie)
	if err != nil {
		r.fail(err)
	}
	return s
}

// hostOf is the host with an address; nil if there is none.
func (l *Lab) hostOf(ip netip.Addr) *netlab.Host {
	for _, h := range append([]*netlab.Host{l.Node, l.Remote}, l.Pods...) {
		if h.V4 == ip || h.V6 == ip {
			return h
		}
	}
	return nil
}

// tail is how long after a connection's end its last packets may come.
const tail = 100 * time.Millisecond

func (r *recorder) packets(o probe.Outcome) []event.Packet {
	c := r.captures[o.Remote.Addr()]
	if c == nil {
		r.miss("packets", fmt.Errorf("no capture on the device of %s", o.Remote.Addr()))
		return nil
	}
	packets, err := c.Of(o.Local, o.Remote, at(o.Began), at(o.Ended)+tail)
	if err != nil {
		r.miss("packets", err)
	}
	return packets
}

func at(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
