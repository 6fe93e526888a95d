package cost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// profiles are where kprobe_profile is: in tracefs, and in debugfs as of old.
var profiles = []string{"/sys/kernel/tracing/kprobe_profile", "/sys/kernel/debug/tracing/kprobe_profile"}

// Missed is how many calls the kernel says that a kretprobe with Room has
// missed, by kprobe_profile of tracefs. No other probe on the function may stand
// there.
func (p *Probe) Missed() (uint64, error) {
	for _, path := range profiles {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read missed calls: %w", err)
		}
		return missed(string(text), p.Function)
	}
	return 0, fmt.Errorf("read missed calls: no kprobe_profile in %s", strings.Join(profiles, ", "))
}

// missed finds an event in kprobe_profile, a line for each: its name, how often
// it was hit, how often missed.
func missed(profile, event string) (uint64, error) {
	var found []string
	for line := range strings.Lines(profile) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == event {
			found = append(found, f[2])
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("find %s in kprobe_profile: %d times, want once, in %q", event, len(found), profile)
	}
	n, err := strconv.ParseUint(found[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parse kprobe_profile: %w", err)
	}
	return n, nil
}
