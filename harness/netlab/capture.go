package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/gopacket/gopacket/afpacket"

	"github.com/krepro/krepro/harness/event"
)

// Capture keeps the last 16,384 packets that passed a device, both ways. It is
// cheap enough to run all the time: the kernel writes packets into a ring of
// mapped memory (packet(7), PACKET_RX_RING), out of which they are moved ten
// times a second, and before every answer. Safe for concurrent use.
type Capture struct {
	where string
	boot  time.Duration // when the kernel booted, since 1970
	stop  chan struct{} // closed to end move
	moved chan struct{} // closed by move at its end
	close func() error  // once

	mu     sync.Mutex
	kernel *afpacket.TPacket // nil once it is closed
	kept   ring
	lost   int
	err    error // the first failure
}

const (
	keptPackets = 16_384
	moveEvery   = 100 * time.Millisecond

	// The kernel's ring: 8,192 packets, 2 MiB. TPACKET_V2 shows a packet as soon
	// as it has passed; V3 would hold it back until a block is full or timed out.
	// A frame is 80 bytes of headers and then the packet's head.
	frameBytes = 256
	blockBytes = 64 << 10
	blocks     = 32
)

// Capture starts capturing on the host's device.
func (h *Host) Capture() (*Capture, error) {
	c := &Capture{
		where: fmt.Sprintf("%s in netns %s", h.Device, h.Name),
		boot:  bootTime(),
		kept:  newRing(keptPackets),
		stop:  make(chan struct{}), moved: make(chan struct{}),
	}
	c.close = sync.OnceValue(c.end)
	err := h.Do(func() (err error) {
		c.kernel, err = afpacket.NewTPacket(
			afpacket.OptInterface(h.Device), afpacket.SocketDgram, afpacket.TPacketVersion2,
			afpacket.OptFrameSize(frameBytes), afpacket.OptBlockSize(blockBytes), afpacket.OptNumBlocks(blocks),
			afpacket.OptPollTimeout(0), // an empty ring is an answer
		)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("capture on %s: %w", c.where, err)
	}
	go c.move()
	return c, nil
}

// bootTime is CLOCK_REALTIME, which the kernel stamps packets with, at
// CLOCK_BOOTTIME 0. Of several tries the one that was interrupted least counts.
func bootTime() time.Duration {
	var boot time.Duration
	best := time.Hour
	for range 5 {
		before, now, after := event.Uptime(), time.Now().UnixNano(), event.Uptime()
		if after-before < best {
			best = after - before
			boot = time.Duration(now) - (before+after)/2
		}
	}
	return boot
}

// move empties the kernel's ring every now and then.
func (c *Capture) move() {
	defer close(c.moved)
	tick := time.NewTicker(moveEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			c.mu.Lock()
			c.drain()
			c.mu.Unlock()
		}
	}
}

// drain moves the packets that have passed out of the kernel's ring, and counts
// those that found no room in it. The caller holds mu.
func (c *Capture) drain() {
	for c.kernel != nil && c.err == nil {
		data, info, err := c.kernel.ZeroCopyReadPacketData()
		if errors.Is(err, afpacket.ErrTimeout) {
			break
		}
		if err != nil {
			c.err = fmt.Errorf("capture on %s: read packet: %w", c.where, err)
			return
		}
		c.kept.add(time.Duration(info.Timestamp.UnixNano())-c.boot, data)
	}
	c.count()
}

func (c *Capture) count() {
	if c.kernel == nil || c.err != nil {
		return
	}
	stats, _, err := c.kernel.SocketStats()
	if err != nil {
		c.err = fmt.Errorf("capture on %s: read packet statistics: %w", c.where, err)
		return
	}
	c.lost = int(stats.Drops())
}

// Of returns what passed between a and b in a time (CLOCK_BOOTTIME,
// event.Uptime), in order; FromClient is what a sent. If the capture keeps no
// longer all that passed since then, it returns the rest and an error.
func (c *Capture) Of(a, b netip.AddrPort, since, until time.Duration) ([]event.Packet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	var out []event.Packet
	for p := range c.kept.all() {
		if p.at < since || p.at > until {
			continue
		}
		s, err := ParseSegment(p.bytes())
		if err != nil {
			continue // ARP, neighbour discovery, ICMP
		}
		if (s.Src == a && s.Dst == b) || (s.Src == b && s.Dst == a) {
			out = append(out, record(p, s, s.Src == a))
		}
	}
	return out, errors.Join(c.err, c.kept.covers(since))
}

func record(p *packet, s Segment, fromClient bool) event.Packet {
	return event.Packet{
		T: p.at.Seconds(), FromClient: fromClient,
		Flags: s.FlagString(), Seq: s.Seq, Ack: s.Ack, Payload: s.Payload, Wire: s.Wire,
		Raw: append([]byte(nil), p.bytes()...),
	}
}

// Lost is how many packets the kernel dropped for want of room in its ring.
func (c *Capture) Lost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	return c.lost
}

// Overwritten is how many packets made room for later ones before anybody asked.
func (c *Capture) Overwritten() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	return c.kept.overwritten
}

// Close ends the capture. What it has kept can still be asked for.
func (c *Capture) Close() error { return c.close() }

func (c *Capture) end() error {
	close(c.stop)
	<-c.moved
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	c.kernel.Close()
	c.kernel = nil
	return c.err
}

// Stop ends the capture and returns the TCP segments that passed, in order. If
// not all of them are there, that is an error: a count would be wrong.
func (c *Capture) Stop() ([]Segment, error) {
	err := c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Segment
	for p := range c.kept.all() {
		if s, err := ParseSegment(p.bytes()); err == nil {
			out = append(out, s)
		}
	}
	if c.lost > 0 {
		err = errors.Join(err, fmt.Errorf("capture on %s: the kernel dropped %d packets", c.where, c.lost))
	}
	return out, errors.Join(err, c.kept.covers(0))
}
