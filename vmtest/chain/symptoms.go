package chain

import (
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// Handlers that recvmsg of a TCP socket goes to.
const (
	Plain       = "tcp_recvmsg"     // the ordinary path
	Accelerated = "tcp_bpf_recvmsg" // of a socket in a map
)

// end is one end of a connection, and whether the kernel's records of its
// socket are there: without them no update and no handler means nothing.
type end struct {
	name   string
	socket *event.Socket
	known  bool
}

func ends(c event.Connection) []end {
	of := func(name string, s *event.Socket) end {
		lacks := func(m event.Missing) bool { return m.What == name+" socket" || m.What == name+" moments" }
		return end{name, s, s != nil && !slices.ContainsFunc(c.Missing, lacks)}
	}
	return []end{of("client", c.Client.Socket), of("server", c.Server.Socket)}
}

// accelerated tells whether the sockops program tried to enter either end into the map.
func accelerated(c event.Connection) Answer {
	return refused(c, func(event.Update) bool { return true })
}

// Symptoms are what a connection's record shows for certain, and what it rules
// out for certain; of a symptom in neither it cannot tell.
func Symptoms(c event.Connection) (shows, rulesOut []event.Symptom) {
	for _, s := range []struct {
		symptom event.Symptom
		answer  Answer
	}{
		{event.Stuck, is(c.Class == classReadTimeout)},
		{event.Crossed, is(c.Class == "crossed")},
		{event.Exists, refused(c, func(u event.Update) bool { return u.Errno == "EEXIST" })},
		{event.UpdateFailed, refused(c, func(u event.Update) bool { return u.Return != 0 && u.Errno != "EEXIST" })},
		{event.WrongHandler, strayed(c)},
	} {
		switch s.answer {
		case Yes:
			shows = append(shows, s.symptom)
		case No:
			rulesOut = append(rulesOut, s.symptom)
		}
	}
	return shows, rulesOut
}

func is(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// refused tells whether an end's map update went this way.
func refused(c event.Connection, as func(event.Update) bool) Answer {
	answer := No
	for _, e := range ends(c) {
		switch {
		case !e.known:
			answer = Unknown
		case e.socket.Update != nil && as(*e.socket.Update):
			return Yes
		}
	}
	return answer
}

// strayed tells whether a recvmsg of either end went to another handler than
// it should: tcp_bpf_recvmsg once the connection is accelerated, otherwise not
// that. Where nobody tried to accelerate, the record does not tell whether it
// should have been tried.
func strayed(c event.Connection) Answer {
	way := accelerated(c)
	if way == Unknown {
		return Unknown
	}
	answer := No
	for _, e := range ends(c) {
		if !e.known || len(e.socket.Handlers) == 0 {
			answer = Unknown
			continue
		}
		if slices.ContainsFunc(e.socket.Handlers, func(h event.Handler) bool { return (h.Symbol == Accelerated) != (way == Yes) }) {
			return Yes
		}
	}
	if way == No {
		return Unknown
	}
	return answer
}
