package explain

import (
	"math"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// A socket that leaves the map so soon after it went into CLOSE is never
// called stale: the kernel destroys it in that order. Seconds.
const dying = 0.010

// stepPoint is how many there are from T on.
type stepPoint struct {
	T           float64
	Live, Stale int
}

// stepsOf counts entries over time, from the lives of the recorded sockets.
func stepsOf(sp Spec) (points []stepPoint, sockets int) {
	var changes []stepPoint
	for _, s := range socketsOf(sp) {
		if life := lifeInMap(s); len(life) > 0 {
			sockets++
			changes = append(changes, life...)
		}
	}
	if sockets == 0 {
		return nil, 0
	}
	slices.SortStableFunc(changes, func(a, b stepPoint) int { return byTime(a.T, b.T) })
	now := stepPoint{}
	for _, c := range changes {
		now = stepPoint{c.T, now.Live + c.Live, now.Stale + c.Stale}
		points = append(points, now)
	}
	for _, e := range sp.Entries {
		now.T = max(now.T, e.T)
	}
	return append(points, now), sockets
}

type recordedSocket struct {
	*event.Socket
	atRest bool // its entry was still there at the end
}

// socketsOf is each recorded socket of a spec once.
func socketsOf(sp Spec) []recordedSocket {
	var out []recordedSocket
	seen := map[uint64]bool{}
	add := func(s *event.Socket, atRest bool) {
		if s != nil && !seen[s.Cookie] {
			seen[s.Cookie] = true
			out = append(out, recordedSocket{s, atRest})
		}
	}
	for _, e := range sp.Entries {
		add(e.Socket, true)
	}
	for _, c := range sp.Connections {
		add(c.Client.Socket, false)
		add(c.Server.Socket, false)
	}
	return out
}

// lifeInMap is what a socket adds to the numbers of entries: one live from its
// insertion, one stale in its place from CLOSE on, none from sk_psock_drop on.
// None: it did not come into the map, or nobody saw when.
func lifeInMap(s recordedSocket) []stepPoint {
	from := insertion(s)
	if math.IsInf(from, 1) {
		return nil
	}
	dead := firstAfter(s, from, func(m event.Moment) bool { return m.Kind == event.MomentState && m.To == "CLOSE" })
	gone := math.Inf(1)
	if !s.atRest {
		gone = firstAfter(s, from, func(m event.Moment) bool { return m.Kind == event.MomentDrop })
	}
	if gone-dead < dying {
		dead = math.Inf(1)
	}
	var out []stepPoint
	for _, p := range []stepPoint{{from, 1, 0}, {dead, -1, 1}, {gone, -1, 0}} {
		if math.IsInf(p.T, 1) {
			continue
		}
		if p.T == gone && dead < gone {
			p.Live, p.Stale = 0, -1
		}
		out = append(out, p)
	}
	return out
}

// insertion is when a socket came into the map: its update, or, of one that is
// known to be in it, the installation of sk_prot. +Inf: never, as far as is known.
func insertion(s recordedSocket) float64 {
	switch {
	case s.Update != nil && s.Update.Return == 0:
		return s.Update.T
	case s.Update == nil && s.atRest:
		return firstAfter(s, 0, func(m event.Moment) bool { return m.Kind == event.MomentProto })
	}
	return math.Inf(1)
}

// firstAfter is the time of the first such moment from then on; +Inf: none.
func firstAfter(s recordedSocket, from float64, is func(event.Moment) bool) float64 {
	for _, m := range s.Moments {
		if m.T >= from && is(m) {
			return m.T
		}
	}
	return math.Inf(1)
}
