package evidence

import (
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// Without a share every trial pulls the trigger; with one, about so many do.
func TestStrikes(t *testing.T) {
	if got := Strikes(50); got != 50 {
		t.Errorf("no share: %d of 50", got)
	}
	t.Setenv(event.EnvTrigger, "0.05")
	// 10,000 trials of 5 %: outside of 400 to 600 once in 200,000 runs.
	if got := Strikes(10_000); got < 400 || got > 600 {
		t.Errorf("5 %%: %d of 10,000", got)
	}
}
