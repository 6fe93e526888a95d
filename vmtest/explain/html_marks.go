package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// pageMark is one thing on a connection's time line.
type pageMark struct {
	T      float64 // seconds since the guest booted
	Lane   string  // AtClient and so on
	Kind   string  // of a moment, or call, info, update, redirect, packet, rest
	What   string  // the label
	Detail string  // addresses, thread: what the label leaves out
	Stack  int     // ID within the suite; 0: none
	Bad    bool    // part of what went wrong

	Handler    string // in force as a moment tells; empty: it does not
	FromClient bool   // of a packet
}

// marksOf is all that is known of a connection, and of the dead socket behind
// the stale entry if there is one, in the order of time.
func marksOf(c event.Connection, entry *event.Entry) []pageMark {
	out := callMarks(c)
	out = append(out, socketMarks(AtClient, c.Client.Socket)...)
	out = append(out, socketMarks(AtServer, c.Server.Socket)...)
	out = append(out, socketMarks(AtDead, deadOf(c, entry))...)
	if entry != nil {
		out = append(out, pageMark{T: entry.T, Lane: AtMap, Kind: "rest", Bad: true,
			What: "still there: entry of cookie " + fmt.Sprint(entry.Cookie), Detail: "state " + entry.State})
	}
	for _, p := range c.Packets {
		out = append(out, packetMark(p))
	}
	slices.SortStableFunc(out, func(a, b pageMark) int { return byTime(a.T, b.T) })
	return out
}

func byTime(a, b float64) int { return cmp.Compare(a, b) }

// callMarks are the steps of the prober.
func callMarks(c event.Connection) []pageMark {
	outcome := "answered"
	if c.Class != "ok" {
		outcome = "given up: " + c.Class
	}
	var out []pageMark
	for _, m := range []pageMark{
		{T: c.Began, What: "connect(2)"},
		{T: c.Connected, What: "connect(2) returned"},
		{T: c.Sent, What: fmt.Sprintf("request written: %s", sizeOf(c.Request))},
		{T: c.Control, What: "overdue; a control request was answered"},
		{T: c.Ended, What: outcome, Detail: c.Error, Bad: c.Class != "ok"},
	} {
		if m.T != 0 {
			m.Lane, m.Kind = AtClient, "call"
			out = append(out, m)
		}
	}
	return out
}

// socketMarks are what the records of one socket hold.
func socketMarks(lane string, s *event.Socket) []pageMark {
	if s == nil {
		return nil
	}
	var out []pageMark
	for _, info := range []*event.TCPInfo{s.Before, s.After} {
		if info != nil {
			out = append(out, infoMark(lane, *info))
		}
	}
	if s.Update != nil {
		out = append(out, updateMark(lane, *s.Update))
	}
	if r := s.Redirects; r != nil {
		out = append(out, pageMark{T: r.First, Lane: lane, Kind: "redirect",
			What: fmt.Sprintf("sendmsg: %d redirected, %d without a peer", r.Redirected, r.NoPeer)})
	}
	for _, m := range s.Moments {
		out = append(out, momentMark(lane, *s, m))
	}
	return out
}

func infoMark(lane string, i event.TCPInfo) pageMark {
	return pageMark{T: i.T, Lane: lane, Kind: "info",
		What: fmt.Sprintf("segs_out/segs_in %d/%d, FIONREAD %d", i.SegsOut, i.SegsIn, i.Readable),
		Detail: fmt.Sprintf("%s, bytes_acked %d, bytes_received %d, last sent %d ms ago, last received %d ms ago",
			i.State, i.BytesAcked, i.BytesReceived, i.LastSent, i.LastReceived)}
}

func updateMark(lane string, u event.Update) pageMark {
	m := pageMark{T: u.T, Lane: AtMap, Kind: "update", What: lane + "'s entry inserted", Detail: u.Op}
	if u.Return != 0 {
		m.What, m.Bad = lane+"'s update refused: "+cmp.Or(u.Errno, fmt.Sprint(u.Return)), true
	}
	return m
}

func momentMark(lane string, s event.Socket, m event.Moment) pageMark {
	out := pageMark{T: m.T, Lane: lane, Kind: m.Kind, What: m.Kind, Stack: m.Stack, Handler: m.Handler, Bad: badMoment(lane, s, m)}
	switch m.Kind {
	case event.MomentState:
		out.What = m.From + " → " + m.To
	case event.MomentProto:
		out.What = "sk_prot installed: " + m.Handler
	case event.MomentRecvmsg:
		out.What = "recvmsg: " + m.Handler
	case event.MomentDrop:
		out.What = "sk_psock_drop"
	case event.MomentDelivered:
		out.What = fmt.Sprintf("%s delivered in %s", sizeOf(int(m.Bytes)), cmp.Or(m.State, "unknown state"))
	}
	out.Detail = momentDetail(m)
	return out
}

func momentDetail(m event.Moment) string {
	var out []string
	if m.Proto != "" {
		out = append(out, fmt.Sprintf("sk_prot %s (%s)", m.Proto, m.Handler))
	}
	if m.Thread != 0 {
		out = append(out, fmt.Sprintf("thread %d", m.Thread))
	}
	return strings.Join(out, ", ")
}

// badMoment tells a moment that a good connection does not have: payload for a
// closed socket, and that socket's end; the psock dropped for a refused update;
// a recvmsg that goes elsewhere than to the handler that was installed.
func badMoment(lane string, s event.Socket, m event.Moment) bool {
	switch m.Kind {
	case event.MomentState:
		return lane == AtDead && m.To == "CLOSE"
	case event.MomentDelivered:
		return m.State == "CLOSE"
	case event.MomentDrop:
		return s.Update != nil && s.Update.Return != 0
	case event.MomentRecvmsg:
		return slices.ContainsFunc(s.Moments, func(o event.Moment) bool {
			return o.Kind == event.MomentProto && o.T <= m.T && o.Handler != m.Handler
		})
	}
	return false
}

func packetMark(p event.Packet) pageMark {
	what := "[" + p.Flags + "]"
	if p.Payload > 0 {
		what += " " + sizeOf(p.Payload)
	}
	return pageMark{T: p.T, Lane: AtWire, Kind: "packet", What: what, FromClient: p.FromClient,
		Detail: fmt.Sprintf("seq %d, ack %d, payload %s, %s on the wire", p.Seq, p.Ack, sizeOf(p.Payload), sizeOf(p.Wire))}
}

// Line is the mark as a line of text, under columns of its like.
func (m pageMark) Line(began float64) string {
	what := m.What
	if m.Kind == "packet" && m.FromClient {
		what = "from client: " + what
	} else if m.Kind == "packet" {
		what = "from server: " + what
	}
	if m.Detail != "" {
		what += "; " + m.Detail
	}
	return fmt.Sprintf("%12s  %-11s  %s", since(m.T-began), m.Lane, what)
}
