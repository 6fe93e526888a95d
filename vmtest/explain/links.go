package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

func (t *teller) connect() {
	c := t.conn
	t.add(c.Began, AtClient, fmt.Sprintf("connect(2) from %s to %s", c.Client.Addr, c.Server.Addr),
		fmt.Sprintf("client: %s, netns %d; server: %s, netns %d", c.Client.Role, c.Client.Netns, c.Server.Role, c.Server.Netns))
	if c.Connected > 0 {
		t.add(c.Connected, AtClient, "connect(2) has returned")
	}
}

// packets tells what the pod's device saw: the handshake, each segment with
// payload, the close.
func (t *teller) packets() {
	var handshake, closing []event.Packet
	for _, p := range t.conn.Packets {
		switch {
		case p.Payload > 0:
			t.add(p.T, AtWire, fmt.Sprintf("data segment of %s", plural(p.Payload, "byte")), segment(p))
		case len(closing) > 0 || closes(p):
			closing = append(closing, p)
		case p.T < t.conn.Sent || t.conn.Sent == 0:
			handshake = append(handshake, p)
		}
	}
	t.segments("handshake", handshake)
	t.segments("close", closing)
}

func closes(p event.Packet) bool {
	return len(p.Flags) > 0 && (p.Flags[0] == 'F' || p.Flags[0] == 'R')
}

func (t *teller) segments(what string, packets []event.Packet) {
	if len(packets) == 0 {
		return
	}
	var lines []string
	for _, p := range packets {
		lines = append(lines, segment(p))
	}
	t.add(packets[0].T, AtWire, fmt.Sprintf("%s on the pod's device: %s", what, plural(len(packets), "segment")), lines...)
}

// segment is one packet as tcpdump would write it.
func segment(p event.Packet) string {
	way := "server > client"
	if p.FromClient {
		way = "client > server"
	}
	return fmt.Sprintf("%s Flags [%s], seq %d, ack %d, length %d", way, p.Flags, p.Seq, p.Ack, p.Payload)
}

// socket tells one end: its moments, its update, its TCP_INFO before the request.
func (t *teller) socket(where string, s *event.Socket) {
	if s == nil {
		return
	}
	for i, m := range s.Moments {
		t.moment(where, s, i, m)
	}
	if u := s.Update; u != nil {
		t.update(where, s, *u)
	}
	if b := s.Before; b != nil {
		t.add(b.T, where, "before the request: segs_out/segs_in "+chain.Segments(*b), "TCP_INFO: "+chain.Info(*b))
	}
	if r := s.Redirects; r != nil {
		t.add(r.First, where, fmt.Sprintf("sk_msg program: %d sendmsg redirected, %d without a peer in the map", r.Redirected, r.NoPeer))
	}
}

func (t *teller) update(where string, s *event.Socket, u event.Update) {
	what := fmt.Sprintf("entry of the %s's socket %d inserted", where, s.Cookie)
	if u.Return != 0 {
		what = fmt.Sprintf("entry of the %s's socket %d refused: %s", where, s.Cookie, chain.Outcome(u))
	}
	t.add(u.T, AtMap, what, fmt.Sprintf("sockops program, %s end: the map's update returned %d", u.Op, u.Return))
}

func (t *teller) moment(where string, s *event.Socket, i int, m event.Moment) {
	switch m.Kind {
	case event.MomentState:
		t.state(where, s, m)
	case event.MomentProto:
		t.add(m.T, where, fmt.Sprintf("sk_prot installed: recvmsg is %s", m.Handler), t.proto(m))
	case event.MomentDrop:
		t.drop(where, s, i, m)
	case event.MomentDelivered:
		t.add(m.T, where, fmt.Sprintf("%s of the peer's sendmsg delivered to socket %d, in state %s", plural(int(m.Bytes), "byte"), s.Cookie, m.State))
	case event.MomentRecvmsg:
		t.recvmsg(where, s, i, m)
	}
}

func (t *teller) proto(m event.Moment) string {
	return fmt.Sprintf("sk_prot %s, recvmsg %s", m.Proto, t.handler(m.Handler))
}

// state tells the two states that matter: the rest is the close going its way.
func (t *teller) state(where string, s *event.Socket, m event.Moment) {
	switch m.To {
	case "ESTABLISHED":
		t.add(m.T, where, fmt.Sprintf("ESTABLISHED: socket %d", s.Cookie), "struct sock "+s.Address)
	case "CLOSE":
		how, stack := t.destroyed(m.Stack)
		t.add(m.T, where, fmt.Sprintf("CLOSE (from %s): %s", m.From, how), append([]string{"TCP states: " + states(s)}, stack...)...)
	}
}

// states are all of a socket's, one after the other.
func states(s *event.Socket) string {
	var out []string
	for _, m := range s.Moments {
		if m.Kind == event.MomentState {
			out = append(out, m.To)
		}
	}
	return strings.Join(out, " > ")
}

// drop tells that the socket loses its psock: as it is closed, which is the
// ordinary end, or within the map update. Then the next recvmsg shows what it
// was left with.
func (t *teller) drop(where string, s *event.Socket, i int, m event.Moment) {
	when := ""
	if on := t.suite.Stacks[m.Stack].Frames; updates(on) {
		when = " within the map update"
	} else if calls(on, "sock_map_close") {
		when = " as it is closed"
	}
	t.add(m.T, where, fmt.Sprintf("sk_psock_drop: socket %d loses its psock%s", s.Cookie, when), append([]string{t.proto(m)}, t.stack(m.Stack)...)...)
	for _, next := range s.Moments[i+1:] {
		if next.Kind == event.MomentRecvmsg && next.Handler != m.Handler {
			t.infer(m.T, where, fmt.Sprintf("sk_prot is put back with it: recvmsg is %s from here on", next.Handler),
				"as called: "+t.proto(m), "at the next recvmsg: "+t.proto(next))
			return
		}
	}
}

// recvmsg tells the first of consecutive calls to the same handler.
func (t *teller) recvmsg(where string, s *event.Socket, i int, m event.Moment) {
	calls := slices.DeleteFunc(slices.Clone(s.Moments), func(m event.Moment) bool { return m.Kind != event.MomentRecvmsg })
	at := slices.Index(calls, m)
	if at > 0 && calls[at-1].Handler == m.Handler {
		return
	}
	more := 0
	for _, next := range calls[at+1:] {
		if next.Handler != m.Handler {
			break
		}
		more++
	}
	caller := fmt.Sprintf("thread %d", m.Thread)
	if more > 0 {
		caller += fmt.Sprintf(", and %s to it", plural(more, "more call"))
	}
	t.add(m.T, where, "recvmsg goes to "+m.Handler, append([]string{t.proto(m), caller}, t.stack(m.Stack)...)...)
}

// request tells what became of the request at the client.
func (t *teller) request() {
	c := t.conn
	if c.Sent > 0 {
		t.add(c.Sent, AtClient, fmt.Sprintf("request written: %s", plural(c.Request, "byte")))
	}
	if c.Control > 0 {
		t.add(c.Control, AtClient, "the answer is overdue; the same server has answered a control request over the ordinary path")
	}
}

// end tells how it ended, and what TCP counted meanwhile.
func (t *teller) end() {
	c := t.conn
	for _, end := range []struct {
		where string
		s     *event.Socket
	}{{AtClient, c.Client.Socket}, {AtServer, c.Server.Socket}} {
		if end.s != nil && end.s.After != nil {
			t.after(end.where, end.s)
		}
	}
	what := map[string]string{ok: "answered", readTimeout: "given up: no answer"}[c.Class]
	if what == "" {
		what = "ended: " + c.Class
	}
	var lines []string
	if c.Error != "" {
		lines = []string{c.Error}
	}
	t.add(c.Ended, AtClient, what, lines...)
	if len(c.Packets) > 0 && !slices.ContainsFunc(c.Packets, func(p event.Packet) bool { return p.Payload > 0 }) {
		t.add(c.Ended, AtWire, "no segment on the pod's device carried payload", plural(len(c.Packets), "segment")+" in all")
	}
}

func (t *teller) after(where string, s *event.Socket) {
	a := *s.After
	what := "after the request: segs_out/segs_in " + chain.Segments(a)
	lines := []string{"TCP_INFO: " + chain.Info(a)}
	if s.Before != nil {
		what += ", before " + chain.Segments(*s.Before)
		lines = append([]string{"before: " + chain.Info(*s.Before)}, "after: "+chain.Info(a))
	}
	t.add(a.T, where, what, lines...)
	if where == AtClient {
		if is, why := chain.Signature(t.conn); is == chain.Yes {
			t.add(a.T, where, "the stuck signature: "+why)
		}
	}
}
