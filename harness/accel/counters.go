package accel

import (
	"errors"

	"github.com/cilium/ebpf"
)

// Counters count every outcome since Reset.
type Counters struct {
	Inserted   uint64 // sockets entered into the map
	Exists     uint64 // updates refused with EEXIST
	Failed     uint64 // updates refused with another errno
	Unrecorded uint64 // refusals that found no room in Refused
	Redirected uint64 // sendmsg calls redirected to the peer's socket
	NoPeer     uint64 // sendmsg calls whose peer was not in the map
}

// Counters reads them.
func (a *Accel) Counters() (Counters, error) {
	var c Counters
	o := &a.objs
	err := errors.Join(
		o.Inserted.Get(&c.Inserted), o.Exists.Get(&c.Exists), o.Failed.Get(&c.Failed),
		o.Unrecorded.Get(&c.Unrecorded), o.Redirected.Get(&c.Redirected), o.NoPeer.Get(&c.NoPeer),
	)
	return c, err
}

func (a *Accel) counters() []*ebpf.Variable {
	o := &a.objs
	return []*ebpf.Variable{o.Inserted, o.Exists, o.Failed, o.Unrecorded, o.Redirected, o.NoPeer}
}
