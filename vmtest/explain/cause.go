package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// causes says why, step by step: what the records show, then what follows from
// the case that they fit.
func causes(e *Evidence, cases []Case) []Cause {
	var out []Cause
	out = append(out, staleCauses(e)...)
	out = append(out, refusedCauses(e)...)
	out = append(out, lostRequests(e)...)
	for _, c := range cases {
		out = append(out, caseCauses(e, c)...)
	}
	return out
}

// watched visits the specs that do not bring about by hand what they look for.
func (e *Evidence) watched(f func(*Suite, *Spec)) {
	e.each(func(su *Suite, p *Spec) {
		if !isControl(p) {
			f(su, p)
		}
	})
}

// staleCauses says how the sockets behind stale entries were destroyed.
func staleCauses(e *Evidence) []Cause {
	ways, all := map[string]int{}, 0
	e.watched(func(su *Suite, p *Spec) {
		for _, entry := range p.Entries {
			all++
			ways[wayOf(su, entry)]++
		}
	})
	var out []Cause
	for _, way := range slices.SortedFunc(maps.Keys(ways), func(a, b string) int {
		return cmp.Or(cmp.Compare(ways[b], ways[a]), cmp.Compare(a, b))
	}) {
		out = append(out, Cause{Text: fmt.Sprintf("%d of %s recorded: %s", ways[way], plural(all, "stale entry"), way)})
	}
	if ways[wayText(chain.ByListener, "inet_csk_listen_stop")]+ways[wayText(chain.ByReset, "tcp_reset")] > 0 {
		out = append(out, Cause{Inferred: true, Text: "a socket leaves the map in its close handler (sock_map_close), " +
			"which is not called for a connection that nobody accepted: that is why its entry stays"})
	}
	return out
}

func wayOf(su *Suite, entry event.Entry) string {
	if entry.Socket != nil {
		for _, m := range slices.Backward(entry.Socket.Moments) {
			if m.Kind != event.MomentState || m.To != "CLOSE" {
				continue
			}
			if d := chain.Destroyed(su.Stacks[m.Stack].Frames); d.Frame != "" {
				return wayText(d.Way, d.Frame)
			}
		}
	}
	return "how its socket was destroyed is not recorded"
}

func wayText(way chain.Way, frame string) string {
	return fmt.Sprintf("the socket was destroyed: %s (%s on the stack of its change into CLOSE)", way, frame)
}

// refusedCauses says what the map did to those that came later.
func refusedCauses(e *Evidence) []Cause {
	total, recorded, dropped, plain := 0, 0, 0, 0
	e.watched(func(su *Suite, p *Spec) {
		if p.Coverage != nil {
			total += p.Coverage.Updates[exists]
		}
		for _, c := range p.Connections {
			for _, s := range []*event.Socket{c.Client.Socket, c.Server.Socket} {
				if s == nil || s.Update == nil || s.Update.Errno != exists {
					continue
				}
				recorded++
				dropped += one(droppedByUpdate(su, s))
				plain += one(slices.ContainsFunc(s.Handlers, func(h event.Handler) bool { return h.Symbol == chain.Plain }))
			}
		}
	})
	if total == 0 {
		return nil
	}
	out := []Cause{{Text: fmt.Sprintf("%s refused with EEXIST: the 4-tuple was used again, and an entry was there already", plural(total, "map update"))}}
	if recorded > 0 {
		out = append(out, Cause{Text: fmt.Sprintf("of %s recorded, %d lost the psock within the update (sk_psock_drop under %s), %d read by %s",
			plural(recorded, "such socket"), dropped, updateFunction, plain, chain.Plain)})
	}
	return out
}

const (
	exists         = "EEXIST"
	updateFunction = "sock_hash_update_common"
)

// droppedByUpdate tells whether a socket lost its psock in the map update itself.
func droppedByUpdate(su *Suite, s *event.Socket) bool {
	return slices.ContainsFunc(s.Moments, func(m event.Moment) bool {
		return m.Kind == event.MomentDrop && updates(su.Stacks[m.Stack].Frames)
	})
}

// updates tells whether a stack goes through the update of a map.
func updates(frames []event.Frame) bool {
	return calls(frames, updateFunction) || calls(frames, "sock_map_update_common")
}

// calls tells whether a function, or a compiler's clone of it, is on a stack.
func calls(frames []event.Frame, function string) bool {
	return slices.ContainsFunc(frames, func(f event.Frame) bool {
		name, _, _ := strings.Cut(f.Symbol, ".")
		return name == function
	})
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lostRequests says where the requests of stuck connections went.
func lostRequests(e *Evidence) []Cause {
	stuck, to := 0, map[string]int{}
	e.watched(func(su *Suite, p *Spec) {
		for _, c := range p.Connections {
			if c.Class == readTimeout {
				stuck++
				to[whither(&chosen{su, p, c, entryOf(p, c)})]++
			}
		}
	})
	var out []Cause
	for _, where := range []string{toDead, toServer, toWire, toUnknown} {
		if to[where] > 0 {
			out = append(out, Cause{Text: fmt.Sprintf("%d of %s recorded: the request %s", to[where], plural(stuck, "stuck connection"), where)})
		}
	}
	return out
}

// Where the request of a stuck connection went.
const (
	toDead    = "was delivered to the socket behind the stale entry"
	toServer  = "was delivered to the server's own socket: no entry lay in its way, the answer did not come in time"
	toWire    = "went through the stack: a segment on the pod's device carried payload"
	toUnknown = "went nobody knows where: no record tells"
)

func whither(c *chosen) string {
	t := &teller{chosen: c}
	t.dead()
	switch {
	case len(t.links) > 0:
		return toDead
	case chain.Reached(c.conn):
		return toServer
	case slices.ContainsFunc(c.conn.Packets, func(p event.Packet) bool { return p.Payload > 0 && p.FromClient }):
		return toWire
	}
	return toUnknown
}
