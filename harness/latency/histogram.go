package latency

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Histogram counts durations by powers of two.
type Histogram struct {
	Slots       []uint64 // Slots[i]: 2^i ns and more, below 2^(i+1); Slots[0] has 0 too
	Nanoseconds uint64   // of all in sum
}

// Count is how many there are.
func (h Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.Slots {
		n += c
	}
	return n
}

// Mean of all; 0 of none.
func (h Histogram) Mean() time.Duration {
	if n := h.Count(); n > 0 {
		return time.Duration(h.Nanoseconds / n)
	}
	return 0
}

// Least is a bound that no duration is below: that of the lowest slot with any.
// It is 0 of none.
func (h Histogram) Least() time.Duration {
	i := slices.IndexFunc(h.Slots, func(c uint64) bool { return c > 0 })
	if i <= 0 {
		return 0
	}
	return bound(i)
}

// Median is a bound that at least half of the durations are below; 0 of none.
func (h Histogram) Median() time.Duration {
	all, sum := h.Count(), uint64(0)
	for i, c := range h.Slots {
		if sum += c; c > 0 && 2*sum >= all {
			return bound(i + 1)
		}
	}
	return 0
}

// Add joins two histograms of the same slots.
func (h Histogram) Add(o Histogram) Histogram {
	sum := Histogram{Slots: slices.Clone(h.Slots), Nanoseconds: h.Nanoseconds + o.Nanoseconds}
	for i, c := range o.Slots {
		if i == len(sum.Slots) {
			sum.Slots = append(sum.Slots, 0)
		}
		sum.Slots[i] += c
	}
	return sum
}

// bar is the length of the longest bar, in characters.
const bar = 40

// String draws it, from the lowest slot with any to the highest:
//
//	from     to
//	65.5µs   131.1µs   12  ##########
//	131.1µs  262.1µs   48  ########################################
func (h Histogram) String() string {
	some := func(c uint64) bool { return c > 0 }
	first := slices.IndexFunc(h.Slots, some)
	if first < 0 {
		return "none\n"
	}
	most := slices.Max(h.Slots)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "from\tto")
	for i := first; i < len(h.Slots) && slices.ContainsFunc(h.Slots[i:], some); i++ {
		marks := strings.Repeat("#", int((h.Slots[i]*bar+most-1)/most))
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", short(bound(i)), short(bound(i+1)), h.Slots[i], marks)
	}
	w.Flush() // into memory
	return b.String()
}

// bound is the least duration of a slot.
func bound(i int) time.Duration { return time.Duration(1) << i }

// short writes a duration with one digit behind the point.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 10).String()
		}
	}
	return d.String()
}
