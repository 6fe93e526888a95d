package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
	"github.com/krepro/krepro/vmtest/report"
)

// teller makes the links of one connection.
type teller struct {
	*chosen
	addresses map[string]string // of handlers, by symbol
	links     []Link
}

// tellChain tells one connection; of is how many the filter let through.
func tellChain(c *chosen, of int) *Chain {
	t := &teller{chosen: c, addresses: handlerAddresses(c.suite)}
	t.past()
	t.connect()
	t.packets()
	t.socket(AtClient, c.conn.Client.Socket)
	t.socket(AtServer, c.conn.Server.Socket)
	t.request()
	t.dead()
	t.end()
	t.rest()
	slices.SortStableFunc(t.links, func(a, b Link) int { return cmp.Compare(a.T, b.T) })
	return &Chain{Suite: c.suite.Name, Spec: c.spec.Name, Title: t.title(of), Stuck: c.stuck(),
		Connection: c.conn, Entry: c.entry, Links: t.links}
}

// handlerAddresses are where the suite saw each handler.
func handlerAddresses(su *Suite) map[string]string {
	out := map[string]string{}
	for _, s := range su.Specs {
		for _, c := range s.Connections {
			for _, e := range []event.Endpoint{c.Client, c.Server} {
				if e.Socket == nil {
					continue
				}
				for _, h := range e.Socket.Handlers {
					out[h.Symbol] = h.Address
				}
			}
		}
	}
	return out
}

func (t *teller) title(of int) string {
	c := t.conn
	s := fmt.Sprintf("trial %d, %s (%s) > %s (%s): %s", c.Trial, c.Client.Addr, c.Client.Role, c.Server.Addr, c.Server.Role, c.Class)
	if of > 1 {
		s += fmt.Sprintf("; one of %s recorded", plural(of, "connection"))
	}
	return s
}

// add appends a link at a time of the guest's clock.
func (t *teller) add(at float64, where, what string, evidence ...string) {
	t.links = append(t.links, Link{T: at - t.conn.Began, Where: where, What: what, Evidence: evidence})
}

// infer appends one that no record shows.
func (t *teller) infer(at float64, where, what string, evidence ...string) {
	t.add(at, where, what, evidence...)
	t.links[len(t.links)-1].Inferred = true
}

// stack is a stack's frames, one a line, innermost first. Lines of a stack are
// those that are indented.
func (t *teller) stack(id int) []string {
	var out []string
	for _, f := range t.suite.Stacks[id].Frames {
		out = append(out, "  "+frame(f))
	}
	if id != 0 && out == nil {
		return []string{fmt.Sprintf("stack %d is not in the records", id)}
	}
	return out
}

// frame is tcp_bpf_recvmsg+1, as bpftrace writes it.
func frame(f event.Frame) string {
	if f.Symbol == "" {
		return f.Address
	}
	return fmt.Sprintf("%s+%d", f.Symbol, f.Offset)
}

// handler is a handler's name and address.
func (t *teller) handler(symbol string) string {
	if at := t.addresses[symbol]; at != "" {
		return symbol + " at " + at
	}
	return symbol
}

// destroyed says how a socket came into CLOSE, with the stack that shows it.
func (t *teller) destroyed(stack int) (how string, evidence []string) {
	d := chain.Destroyed(t.suite.Stacks[stack].Frames)
	if d.Frame == "" {
		return "how is not recorded", t.stack(stack)
	}
	return fmt.Sprintf("%s (%s)", d.Way, d.Frame), t.stack(stack)
}

// plural is "1 entry", "3 entries".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%s %ss", report.Thousands(n), noun)
}
