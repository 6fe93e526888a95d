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

// accelerated tells whether the sockops program tried to enter either end into
// the map. Unknown: neither end is known to have been tried, and one of the
// sockets, or what became of it, is not known.
func accelerated(c event.Connection) Answer {
	known := true
	for _, e := range ends(c) {
		if e.Socket != nil && e.Socket.Update != nil {
			return Yes
		}
		known = known && e.Socket != nil && !misses(c, "update")
	}
	if known {
		return No
	}
	return Unknown
}

func ends(c event.Connection) []event.Endpoint { return []event.Endpoint{c.Client, c.Server} }

func misses(c event.Connection, what string) bool {
	return slices.ContainsFunc(c.Missing, func(m event.Missing) bool { return m.What == what })
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

// refused tells whether an end's map update failed in this way.
func refused(c event.Connection, as func(event.Update) bool) Answer {
	answer := No
	for _, e := range ends(c) {
		switch {
		case e.Socket == nil:
			answer = Unknown
		case e.Socket.Update != nil && as(*e.Socket.Update):
			return Yes
		}
	}
	if answer == No && misses(c, "update") {
		return Unknown
	}
	return answer
}

// strayed tells whether a recvmsg of either end went to another handler than
// the connection's: tcp_bpf_recvmsg once it is accelerated, else tcp_recvmsg.
func strayed(c event.Connection) Answer {
	want, way := Plain, accelerated(c)
	switch way {
	case Unknown:
		return Unknown
	case Yes:
		want = Accelerated
	}
	answer := No
	for _, e := range ends(c) {
		if e.Socket == nil || len(e.Socket.Handlers) == 0 {
			answer = Unknown
			continue
		}
		if slices.ContainsFunc(e.Socket.Handlers, func(h event.Handler) bool { return h.Symbol != want }) {
			return Yes
		}
	}
	return answer
}
