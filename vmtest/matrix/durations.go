package matrix

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Durations are seconds that VMs took: by kernel, as it is referred to, what
// each suite took in each size ("sockmap quick"), and what is left of the VM's
// time ("boot").
type Durations map[string]map[string]float64

const bootKey = "boot"

// guess is taken for what nobody has measured, in seconds.
const guess = 10

// ReadDurations decodes a file of durations.
func ReadDurations(data []byte) (Durations, error) {
	d := Durations{}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("decode durations: %w", err)
	}
	for kernel, of := range d {
		for what, seconds := range of {
			if seconds < 0 {
				return nil, fmt.Errorf("decode durations: %s, %s: %v seconds", kernel, what, seconds)
			}
		}
	}
	return d, nil
}

// Add takes in what the VMs of a run took, those that came to their end.
func (d Durations) Add(results []verdict.Result) {
	for _, r := range results {
		if r.Exit == nil || r.Exit.Reason != event.ExitDone {
			continue
		}
		of := d[r.Kernel.Ref]
		if of == nil {
			of = map[string]float64{}
			d[r.Kernel.Ref] = of
		}
		rest := r.Exit.Seconds
		for _, s := range r.Suites {
			of[suiteKey(s.Name, s.Size)] = tenths(s.Seconds)
			rest -= s.Seconds
		}
		of[bootKey] = tenths(max(0, rest))
	}
}

func suiteKey(suite, size string) string { return suite + " " + size }

// tenths keeps what is worth keeping of a time.
func tenths(seconds float64) float64 { return float64(int(seconds*10+0.5)) / 10 }

// Source says where an estimate comes from.
type Source string

// Sources, from the best to the worst.
const (
	Measured Source = ""       // this kernel's past runs
	Others   Source = "median" // the median of other kernels, for some of it
	Guessed  Source = "guess"  // nobody has measured some of it
)

// Of estimates how long a VM takes with a kernel and suites, each in its size.
func (d Durations) Of(kernel string, suites []string, sizeOf func(suite string) string) (seconds float64, from Source) {
	keys := []string{bootKey}
	for _, s := range suites {
		keys = append(keys, suiteKey(s, sizeOf(s)))
	}
	for _, key := range keys {
		s, ok := d[kernel][key]
		if !ok {
			s, ok = d.median(key)
			if ok && from == Measured {
				from = Others
			}
		}
		if !ok {
			s, from = guess, Guessed
		}
		seconds += s
	}
	return seconds, from
}

// median of what all kernels took for the same.
func (d Durations) median(key string) (float64, bool) {
	var all []float64
	for _, of := range d {
		if s, ok := of[key]; ok {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return all[len(all)/2], true
}
