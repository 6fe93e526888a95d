package lab

import (
	"errors"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// recordEntries streams what is known of entries whose sockets are gone.
func (l *Lab) recordEntries(entries []accel.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	members, noMembers := l.Observer.Members(l.Accel.Map())
	if noMembers != nil && !errors.Is(noMembers, observe.ErrNoEntries) {
		return noMembers
	}
	listed, err := l.listed()
	if err != nil {
		return err
	}
	for _, e := range entries {
		r := &recorder{Lab: l}
		rec := e.Record()
		rec.Trial, rec.Listed = trialAt(e.ClientPort()), listed[e.Cookie]
		rec.Socket = r.socket("socket", e.Cookie)
		if m, ok := members[e.Cookie]; ok {
			rec.State, rec.Port, rec.Held, rec.Handler = m.State, m.Port, m.Held, m.Handler
		} else if noMembers != nil {
			r.miss("state", noMembers)
		}
		rec.Missing = r.missing
		if r.err != nil {
			return r.err
		}
		if err := l.record(event.EntryRecord, rec); err != nil {
			return err
		}
	}
	return nil
}

// listed are the sockets that sock_diag lists in any namespace of the lab, by cookie.
func (l *Lab) listed() (map[uint64]bool, error) {
	out := map[uint64]bool{}
	for _, h := range append([]*netlab.Host{l.Node, l.Remote}, l.Pods...) {
		err := h.Do(func() error {
			for _, v6 := range []bool{false, true} {
				sockets, err := probe.Sockets(v6)
				if err != nil {
					return err
				}
				for _, s := range sockets {
					out[s.Cookie] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
