package netlab

import (
	"bytes"
	"testing"
	"time"
)

// A ring of four packets; packet n passes at n seconds and is n bytes long.
func TestRing(t *testing.T) {
	tests := map[string]struct {
		added       []int // packets before each look but the last
		first, last int   // that the last look finds; 0: none
		overwritten int
		gone        int // the last one that is kept no longer; 0: none
	}{
		"empty":                  {[]int{0}, 0, 0, 0, 0},
		"not full":               {[]int{3}, 1, 3, 0, 0},
		"just full":              {[]int{4}, 1, 4, 0, 0},
		"nobody looked":          {[]int{10}, 7, 10, 6, 6},
		"looked in time":         {[]int{4, 4, 2}, 7, 10, 0, 6},
		"looked too late":        {[]int{6, 4}, 7, 10, 2, 6},
		"full again since":       {[]int{4, 7}, 8, 11, 3, 7},
		"looked, nothing passed": {[]int{6, 0, 0}, 3, 6, 2, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, n := newRing(4), 0
			for _, more := range test.added {
				r.all()
				for range more {
					n++
					r.add(time.Duration(n)*time.Second, bytes.Repeat([]byte{1}, n))
				}
			}
			want := test.first
			for p := range r.all() {
				if p.at != time.Duration(want)*time.Second || len(p.bytes()) != want {
					t.Errorf("packet of %s with %d bytes, want number %d", p.at, len(p.bytes()), want)
				}
				want++
			}
			if test.last > 0 && want != test.last+1 {
				t.Errorf("the last packet is number %d, want %d", want-1, test.last)
			}
			if r.overwritten != test.overwritten {
				t.Errorf("%d overwritten, want %d", r.overwritten, test.overwritten)
			}
			gone := time.Duration(test.gone) * time.Second
			if err := r.covers(gone + 1); err != nil {
				t.Errorf("after %s: %v", gone, err)
			}
			if err := r.covers(gone); (err != nil) != (test.gone > 0) {
				t.Errorf("from %s on: %v", gone, err)
			}
		})
	}
}

func TestRingKeepsHeads(t *testing.T) {
	r := newRing(1)
	r.add(0, bytes.Repeat([]byte{1}, 1500))
	r.add(0, []byte{2, 2})
	for p := range r.all() {
		if !bytes.Equal(p.bytes(), []byte{2, 2}) {
			t.Errorf("kept %x", p.bytes())
		}
	}
	r.add(0, bytes.Repeat([]byte{3}, 1500))
	for p := range r.all() {
		if !bytes.Equal(p.bytes(), bytes.Repeat([]byte{3}, rawBytes)) {
			t.Errorf("kept %x", p.bytes())
		}
	}
}
