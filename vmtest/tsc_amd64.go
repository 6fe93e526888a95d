package vmtest

import (
	"fmt"
	"time"
)

// rdtsc reads the processor's time stamp counter.
func rdtsc() uint64

// The guest's time stamp counter under TCG is the host's. Left to itself the
// kernel measures its frequency against emulated timers, and on a loaded host it
// was seen to find 618 MHz in place of 2300: its clock then runs fast and every
// time-out in the guest is too short. So it is measured here and handed over.
const measureTime = 50 * time.Millisecond

// stamp is one moment on both clocks.
type stamp struct {
	at    time.Time
	ticks uint64
}

// takeStamp reads both clocks at once: of some tries the one that was disturbed least.
func takeStamp() stamp {
	var best stamp
	width := time.Hour
	for range 10 {
		before := time.Now()
		ticks := rdtsc()
		if d := time.Since(before); d < width {
			width, best = d, stamp{before.Add(d / 2), ticks}
		}
	}
	return best
}

// kilohertz is the counter's frequency as seen since s, over measureTime at least.
func (s stamp) kilohertz() (int, error) {
	time.Sleep(measureTime - time.Since(s.at))
	now := takeStamp()
	khz := int(float64(now.ticks-s.ticks) / now.at.Sub(s.at).Seconds() / 1000)
	if now.ticks <= s.ticks || khz < 100_000 || khz > 20_000_000 {
		return 0, fmt.Errorf("measure time stamp counter: %d kHz is not believable", khz)
	}
	return khz, nil
}
