package manifest

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePrograms(t *testing.T) {
	s, err := Parse("a", []byte("about: x\nprograms: [{path: /usr/sbin/nginx, suite: bookworm, packages: [nginx, libc6, libstdc++6]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Programs) != 1 || s.Programs[0].Path != "/usr/sbin/nginx" || s.Programs[0].Suite != "bookworm" ||
		!slices.Equal(s.Programs[0].Packages, []string{"nginx", "libc6", "libstdc++6"}) {
		t.Errorf("programs = %+v", s.Programs)
	}
}

func TestParseRefusesPrograms(t *testing.T) {
	for text, message := range map[string]string{
		"{path: sbin/a, suite: bookworm, packages: [a1]}":        "no absolute path",
		"{path: /sbin/../a, suite: bookworm, packages: [a1]}":    "no absolute path",
		"{path: /a, suite: bookworm main, packages: [a1]}":       "none of Debian's",
		"{path: /a, packages: [a1]}":                             "none of Debian's",
		"{path: /a, suite: bookworm}":                            "packages: none for /a",
		"{path: /a, suite: bookworm, packages: [--now]}":         `"--now" is no package name`,
		"{path: /a, suite: bookworm, packages: [a1/sid]}":        "no package name",
		"{path: /a, suite: bookworm, packages: [a1], name: foo}": "field name not found",
	} {
		if _, err := Parse("a", []byte("about: x\nprograms: ["+text+"]")); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: error %v, want %q", text, err, message)
		}
	}
}
