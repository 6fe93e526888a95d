package evidence

import (
	"errors"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

func TestLacks(t *testing.T) {
	t.Setenv(event.EnvLacks, "/usr/sbin/a: no route: offline\n/usr/sbin/b: gone")
	for path, want := range map[string]string{
		"/usr/sbin/a": "no route: offline",
		"/usr/sbin/b": "gone",
		"/usr/sbin/c": "no such file",
	} {
		if got := lacks(path, errors.New("no such file")); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
