package chain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// Answer is what evidence says to a question.
type Answer string

// Answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown" // the record lacks what would tell
)

// Signature says whether a connection carries the signature of a request that
// was redirected into nowhere, and why: write(2) took the request, the answer
// did not come, and at neither end a segment or a byte was counted since the
// handshake. TCP_INFO alone does not tell: payload that is redirected well is
// not counted either. So a request that reached the server's own socket has no
// such signature: there the answer is late, not the request lost.
func Signature(c event.Connection) (Answer, string) {
	switch {
	case c.Class != classReadTimeout:
		return No, "ended " + c.Class
	case c.Request == 0:
		return Unknown, "it is not known that the request was written"
	}
	client, why := moved(c.Client.Socket)
	if client != No {
		return negate(client), "client: " + why
	}
	server, told := moved(c.Server.Socket)
	if server == Yes {
		return No, "server: " + told
	}
	if Reached(c) {
		return No, "the request was delivered to the server's own socket"
	}
	return Yes, fmt.Sprintf("%s: the request of %d bytes left write(2) and passed no segment", why, c.Request)
}

// classReadTimeout is how a connection ends whose request stays without an answer.
const classReadTimeout = "read-timeout"

// Reached tells whether the record shows that something was redirected to the
// server's own socket.
func Reached(c event.Connection) bool {
	s := c.Server.Socket
	return s != nil && slices.ContainsFunc(s.Moments, func(m event.Moment) bool { return m.Kind == event.MomentDelivered })
}

func negate(a Answer) Answer {
	if a == Yes {
		return No
	}
	return a
}

// moved tells whether TCP counted a segment or a byte at this end between
// before and after the request, and what it counted.
func moved(s *event.Socket) (Answer, string) {
	if s == nil || s.Before == nil || s.After == nil {
		return Unknown, "TCP_INFO before and after is not known"
	}
	b, a := *s.Before, *s.After
	text := "segs_out/segs_in " + Segments(b) + " stays"
	answer := No
	if b.SegsOut != a.SegsOut || b.SegsIn != a.SegsIn {
		text, answer = fmt.Sprintf("segs_out/segs_in %s becomes %s", Segments(b), Segments(a)), Yes
	}
	for _, n := range []struct {
		name          string
		before, after uint64
	}{
		{"bytes_acked", b.BytesAcked, a.BytesAcked},
		{"bytes_received", b.BytesReceived, a.BytesReceived},
		{"FIONREAD", uint64(b.Readable), uint64(a.Readable)},
	} {
		if n.before != n.after {
			text, answer = text+fmt.Sprintf(", %s %d becomes %d", n.name, n.before, n.after), Yes
		}
	}
	if answer == No {
		text += " " + Segments(a)
	}
	return answer, text
}

// Segments is segs_out and segs_in as 2/1.
func Segments(i event.TCPInfo) string { return fmt.Sprintf("%d/%d", i.SegsOut, i.SegsIn) }

// Info is TCP_INFO on one line.
func Info(i event.TCPInfo) string {
	return strings.Join([]string{i.State, "segs_out/segs_in " + Segments(i),
		fmt.Sprintf("bytes_acked %d, bytes_received %d", i.BytesAcked, i.BytesReceived),
		fmt.Sprintf("last sent %d ms ago, last received %d ms ago", i.LastSent, i.LastReceived),
		fmt.Sprintf("FIONREAD %d", i.Readable)}, ", ")
}
