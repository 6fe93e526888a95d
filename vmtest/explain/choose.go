package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// Check tells whether the filter can be understood.
func (f Filter) Check() error {
	switch text, isTrial := strings.CutPrefix(f.Conn, "#"); {
	case f.Conn == "":
		return nil
	case isTrial:
		if _, err := strconv.Atoi(text); err == nil {
			return nil
		}
	case !strings.Contains(text, ":"):
		if _, err := strconv.ParseUint(text, 10, 16); err == nil {
			return nil
		}
	default:
		if _, err := netip.ParseAddrPort(text); err == nil {
			return nil
		}
	}
	return fmt.Errorf("connection %q is no client's port (41005), client's address (198.18.0.1:41005) or trial (#7)", f.Conn)
}

func (f Filter) spec(s *Spec) bool { return strings.Contains(s.Name, f.Spec) }

func (f Filter) connection(c event.Connection) bool {
	switch f.Conn {
	case "", "#" + strconv.Itoa(c.Trial), strconv.Itoa(int(c.Client.Addr.Port())):
		return true
	}
	addr, err := netip.ParseAddrPort(f.Conn)
	return err == nil && addr == c.Client.Addr
}

// chosen is a connection with the records around it.
type chosen struct {
	suite *Suite
	spec  *Spec
	conn  event.Connection
	entry *event.Entry // that lay in its way, or that it left; nil: none
}

// choose picks the connection to tell: of those that the filter lets through
// the one that says most, the first of equals. of is how many there are.
func choose(e *Evidence, f Filter) (best *chosen, of int) {
	e.each(func(su *Suite, s *Spec) {
		if !f.spec(s) {
			return
		}
		for _, c := range s.Connections {
			if !f.connection(c) {
				continue
			}
			of++
			if it := (&chosen{su, s, c, entryOf(s, c)}); best == nil || it.worth() > best.worth() {
				best = it
			}
		}
	})
	return best, of
}

// worth ranks connections: a stuck one before one with another symptom before a
// good one that was accelerated; of those, one whose evidence is whole and that
// no spec made fail on purpose.
func (c *chosen) worth() int {
	n := 0
	for _, says := range []bool{
		!isControl(c.spec),
		c.stuck(),
		c.entry != nil,
		len(c.conn.Symptoms) > 0,
		len(c.conn.Missing) == 0,
		c.conn.Server.Socket != nil && c.conn.Server.Socket.Update != nil,
		c.conn.Class == ok && c.conn.Request > 0,
		len(c.conn.Packets) > 0,
		slices.ContainsFunc(paths, func(p path) bool { return p.spec == c.spec.Name }),
		c.conn.Client.Role == "node", // the path that the fault is known from
	} {
		n *= 2
		if says {
			n++
		}
	}
	return n
}

// Classes of connections (harness/probe) that mean something here.
const (
	ok          = "ok"
	readTimeout = "read-timeout"
)

func (c *chosen) stuck() bool { return c.conn.Class == readTimeout }

// isControl tells whether a spec brings about by hand what the others look for.
func isControl(s *Spec) bool { return slices.Contains(s.Labels, "control") }

// entryOf is the entry at rest under the 4-tuple of the connection's server, or
// else of its client. In a sockmap, whose keys are slots, the trial tells.
func entryOf(s *Spec, c event.Connection) *event.Entry {
	for _, ends := range [][2]event.Endpoint{{c.Server, c.Client}, {c.Client, c.Server}} {
		for i, e := range s.Entries {
			if e.Local == ends[0].Addr && e.Remote == ends[1].Addr || !e.Local.IsValid() && e.Trial == c.Trial {
				return &s.Entries[i]
			}
		}
	}
	return nil
}
