package latency

import (
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	tests := []struct {
		name                string
		h                   Histogram
		count               uint64
		mean, least, median time.Duration
		text                string
	}{
		{"none", Histogram{Slots: make([]uint64, 40)}, 0, 0, 0, 0, "none\n"},
		{"nothing below two nanoseconds", Histogram{Slots: []uint64{1}}, 1, 0, 0, 2, "from  to\n1ns   2ns  1  ########################################\n"},
		{"a hole", Histogram{Slots: []uint64{10: 1, 12: 3, 13: 0}, Nanoseconds: 16000}, 4, 4000, 1024, 8192,
			"from   to\n" +
				"1µs    2µs    1  ##############\n" +
				"2µs    4.1µs  0  \n" +
				"4.1µs  8.2µs  3  ########################################\n"},
		{"the last slot", Histogram{Slots: []uint64{0, 0, 2}, Nanoseconds: 9}, 2, 4, 4, 8, "from  to\n4ns   8ns  2  ########################################\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := test.h
			if h.Count() != test.count || h.Mean() != test.mean || h.Least() != test.least || h.Median() != test.median {
				t.Errorf("count %d, mean %v, least %v, median %v; want %d, %v, %v, %v", h.Count(), h.Mean(), h.Least(), h.Median(),
					test.count, test.mean, test.least, test.median)
			}
			if got := h.String(); got != test.text {
				t.Errorf("drawn as\n%q, want\n%q", got, test.text)
			}
		})
	}
}

func TestHistogramAdd(t *testing.T) {
	short, long := Histogram{Slots: []uint64{1, 2}, Nanoseconds: 5}, Histogram{Slots: []uint64{0, 1, 4}, Nanoseconds: 20}
	for _, sum := range []Histogram{short.Add(long), long.Add(short)} {
		if sum.Count() != 8 || sum.Slots[1] != 3 || sum.Slots[2] != 4 || sum.Nanoseconds != 25 {
			t.Errorf("sum %+v", sum)
		}
	}
	if short.Count() != 3 {
		t.Errorf("a term was changed: %+v", short)
	}
}
