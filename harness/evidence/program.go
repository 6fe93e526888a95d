package evidence

import (
	"os"
	"strings"

	"github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
)

// Program returns the path of a program that the suite's manifest names. Where
// it is not there the running spec ends as untestable, with the reason.
func Program(path string) string {
	ginkgo.GinkgoHelper()
	if _, err := os.Stat(path); err != nil {
		Untestable("program " + path + ": " + lacks(path, err))
	}
	return path
}

// lacks is why the host could not put a program into the guest; else what stat said.
func lacks(path string, stat error) string {
	for line := range strings.Lines(os.Getenv(event.EnvLacks)) {
		if reason, ok := strings.CutPrefix(line, path+": "); ok {
			return strings.TrimSpace(reason)
		}
	}
	return stat.Error()
}
