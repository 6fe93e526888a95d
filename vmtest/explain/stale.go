package explain

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// foreign tells whether the entry is of another socket than the connection's own.
func (t *teller) foreign() bool {
	if t.entry == nil {
		return false
	}
	for _, e := range []event.Endpoint{t.conn.Client, t.conn.Server} {
		if e.Socket != nil && e.Socket.Cookie == t.entry.Cookie {
			return false
		}
	}
	return true
}

// past tells how the entry that lies in the connection's way came to be stale.
func (t *teller) past() {
	if !t.foreign() || t.entry.Socket == nil {
		return
	}
	s := t.entry.Socket
	for _, m := range s.Moments {
		switch {
		case m.Kind == event.MomentProto:
			t.add(m.T, AtDead, fmt.Sprintf("socket %d, of an earlier connection: sk_prot installed: recvmsg is %s", s.Cookie, m.Handler), t.proto(m))
		case m.Kind != event.MomentState:
		case m.To == "ESTABLISHED":
			t.add(m.T, AtDead, fmt.Sprintf("ESTABLISHED: socket %d, %s", s.Cookie, chain.Owner(*t.entry)), "struct sock "+s.Address)
		case m.To == "CLOSE":
			how, stack := t.destroyed(m.Stack)
			t.add(m.T, AtDead, fmt.Sprintf("socket %d is destroyed: %s", s.Cookie, how), stack...)
			t.add(m.T, AtMap, "its entry stays", fmt.Sprintf("found at rest, %.3f s later, under the same cookie %d", t.entry.T-m.T, t.entry.Cookie))
		}
	}
	if s.Update != nil {
		t.update("earlier connection", s, *s.Update)
	}
}

// dead tells what was delivered to the entry's socket while the connection lasted.
func (t *teller) dead() {
	if !t.foreign() || t.entry.Socket == nil {
		return
	}
	for _, m := range t.entry.Socket.Moments {
		if m.Kind != event.MomentDelivered || m.T < t.conn.Began || m.T > t.conn.Ended {
			continue
		}
		t.add(m.T, AtDead, fmt.Sprintf("%s of the client's sendmsg delivered to socket %d, in state %s", plural(int(m.Bytes), "byte"), t.entry.Cookie, m.State))
		if !t.entry.Held {
			t.infer(m.T, AtDead, "nobody can read them: no descriptor leads to that socket", "at rest no struct socket holds it")
		}
	}
}

// rest tells of the entry when every descriptor was closed.
func (t *teller) rest() {
	e := t.entry
	if e == nil {
		return
	}
	what := "at rest, every descriptor closed: the entry is still there"
	if since := staleSince(*e); since > 0 {
		what += fmt.Sprintf(", stale for %.3f s", e.T-since)
	}
	t.add(e.T, AtMap, what, entryLines(*e)...)
}

// staleSince is when the entry's socket was destroyed, in seconds of the guest's clock; 0: not recorded.
func staleSince(e event.Entry) (at float64) {
	if e.Socket == nil {
		return 0
	}
	for _, m := range e.Socket.Moments {
		if m.Kind == event.MomentState && m.To == "CLOSE" {
			at = m.T
		}
	}
	return at
}

// entryLines are an entry's raw bytes, what they say, and the socket behind it.
func entryLines(e event.Entry) []string {
	lines := append([]string{e.Map + " key:"}, strings.Split(hexDump(e.Key), "\n")...)
	switch k, err := chain.DecodeKey(e.Key); {
	case e.Map != "sockhash":
		lines = append(lines, fmt.Sprintf("slot %d", e.Slot))
	case err != nil:
		lines = append(lines, err.Error())
	default:
		lines = append(lines, fmt.Sprintf("decoded: socket %s, peer %s", k.Dst, k.Src))
	}
	lines = append(lines, append([]string{"value:"}, strings.Split(hexDump(e.Value), "\n")...)...)
	if e.State != "" {
		lines = append(lines, fmt.Sprintf("socket %d: state %s, port %d, recvmsg %s, %s, %s", e.Cookie, e.State, e.Port, cmp.Or(e.Handler, "unknown"),
			choice(e.Held, "held by a descriptor", "no descriptor"), choice(e.Listed, "listed by sock_diag", "not listed by sock_diag")))
	}
	for _, m := range e.Missing {
		lines = append(lines, "not recorded: "+m.What+": "+m.Why)
	}
	return lines
}

func choice(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
