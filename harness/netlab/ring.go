package netlab

import (
	"fmt"
	"iter"
	"time"
)

// rawBytes is how much of a packet is kept: the IP and TCP headers at their
// longest, and of the usual ones some payload too.
const rawBytes = 128

// packet is the head of one packet.
type packet struct {
	at   time.Duration // since the guest booted
	size int           // bytes of raw that are the packet's
	raw  [rawBytes]byte
}

func (p *packet) bytes() []byte { return p.raw[:p.size] }

// ring keeps the last packets: the next one takes the place of the oldest.
type ring struct {
	packets []packet // at most as many as it was made for; packet n is at n modulo that

	total       int           // packets ever added
	asked       int           // of them, how many there were when somebody last looked
	overwritten int           // packets that went before anybody looked
	gone        time.Duration // when the last one passed that went
}

func newRing(limit int) ring { return ring{packets: make([]packet, 0, limit)} }

// add keeps the head of a packet that passed at a time.
func (r *ring) add(at time.Duration, data []byte) {
	limit := cap(r.packets)
	i := r.total % limit
	if len(r.packets) < limit {
		r.packets = r.packets[:i+1]
	} else {
		r.gone = r.packets[i].at
		if r.total-limit >= r.asked {
			r.overwritten++
		}
	}
	p := &r.packets[i]
	p.at, p.size = at, copy(p.raw[:], data)
	r.total++
}

// all yields the packets that are kept, oldest first.
func (r *ring) all() iter.Seq[*packet] {
	r.asked = r.total
	return func(yield func(*packet) bool) {
		for n := r.total - len(r.packets); n < r.total; n++ {
			if !yield(&r.packets[n%cap(r.packets)]) {
				return
			}
		}
	}
}

// covers is an error if a packet that passed at that time or later is kept no longer.
func (r *ring) covers(since time.Duration) error {
	if r.total > len(r.packets) && r.gone >= since {
		return fmt.Errorf("capture keeps the last %d packets, those after %.6f s", len(r.packets), r.gone.Seconds())
	}
	return nil
}
