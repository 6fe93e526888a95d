package kernels

import (
	"errors"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

func TestSet(t *testing.T) {
	deb := func(version string) event.Kernel { return Planned("debian:" + version) }
	file := event.Kernel{Ref: "./bzImage", Source: "file", Version: "6.12.94"}
	for _, test := range []struct {
		set    string
		kernel event.Kernel
		want   bool
	}{
		{"all", deb("6.1.192-2"), true},
		{"all", event.Kernel{}, true},
		{"6.1", deb("6.1.192-2"), true},
		{"6.1", deb("6.12.94-1"), false},
		{"6.12", file, true},
		{"6.1.192", deb("6.1.192-2"), true},
		{"debian:6.1", deb("6.1.192-2"), true},
		{"debian:6.1", deb("6.12.94-1"), false},
		{"debian:6.12", file, false},
		{"debian:6.1", deb("6.1.192-2/rt-amd64"), true},
		{"debian:6.1/amd64", deb("6.1.192-2/rt-amd64"), false},
		{"debian:6.1.192-2", deb("6.1.192-2/amd64"), true},
		{"debian:6.1.192-2/cloud-amd64", deb("6.1.192-2/amd64"), false},
		{"debian:6.1.192-2", deb("6.1.192-1"), false},
		{"debian:5.10.0-30-cloud-amd64", event.Kernel{Source: "debian", Release: "5.10.0-30-cloud-amd64"}, true},
		{"debian:6.12.94+deb12-cloud-amd64", event.Kernel{Source: "debian", Release: "6.12.94+deb13-cloud-amd64"}, false},
		{"./bzImage", file, true},
		{"./other", file, false},

		{">6.12.94", deb("6.12.100-1"), true}, // by numbers, not by letters
		{"<6.12.94", deb("6.12.100-1"), false},
		{"<6.12.94", deb("6.12.9-1"), true},
		{"<6.12", deb("6.1.192-2"), true},
		{"<6.12.94", deb("6.12.94-1~bpo12+1"), false},
		{"<=6.12.94", deb("6.12.94-1~bpo12+1"), true},
		{"=6.12.94", file, true},
		{">=6.12.94", file, true},
		{"<7.3", deb("7.3~rc4-1~exp1"), true}, // a candidate is older than its release
		{">=7.3", deb("7.3~rc4-1~exp1"), false},
		{">=7.3-rc4", deb("7.3~rc4-1~exp1"), true},
		{"<7.3-rc10", deb("7.3~rc4-1~exp1"), true},
		{"<6.12.94-1", deb("6.12.94-1~bpo12+1"), true}, // Debian's order
		{"<6.12.94-1~bpo12+1", deb("6.12.94-1"), false},
		{">6.12.94-1", deb("6.12.94-1+deb12u1"), true},
		{">6.12.94-1", deb("6.12.100-1"), true},
		{">6.12.90-1", file, false}, // no package
		{"6.12 >=6.12.94 <6.12.117", deb("6.12.101-1"), true},
		{"6.12 >=6.12.94 <6.12.117", deb("6.12.117-1"), false},
		{"6.12 >=6.12.94 <6.12.117", deb("6.18.15-1~bpo13+1"), false},
		{"<6.12", event.Kernel{Ref: "tree:/src"}, false}, // of which nothing is known
	} {
		s, err := ParseSet(test.set)
		if err != nil {
			t.Errorf("%s: %v", test.set, err)
			continue
		}
		if got := s.Has(test.kernel); got != test.want {
			t.Errorf("%q has %s %s: %v, want %v", test.set, test.kernel.Ref, test.kernel.Version, got, test.want)
		}
	}
}

func TestParseSetRefuses(t *testing.T) {
	for _, text := range []string{"", "  ", "newest", "6.1.192-2", "<", "<six", "<>6.1", "debian:x", "debian:6.1/arm64", ">=debian:6.1"} {
		var wrong *RefError
		if _, err := ParseSet(text); !errors.As(err, &wrong) {
			t.Errorf("%q: %v, want a RefError", text, err)
		}
	}
}
