package manifest

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Program is a program of Debian that the suite runs in the guest.
type Program struct {
	Path     string   `yaml:"path"`     // in its package and in the guest
	Suite    string   `yaml:"suite"`    // the suite of Debian that it is taken from
	Packages []string `yaml:"packages"` // its package and those of its libraries
}

// Forms of names in Debian (Policy 5.6.1).
var (
	packageForm = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	releaseForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

func (p Program) check() error {
	if !path.IsAbs(p.Path) || path.Clean(p.Path) != p.Path || strings.ContainsAny(p.Path, ":\n") {
		return fmt.Errorf("path: %q is no absolute path of a program", p.Path)
	}
	if !releaseForm.MatchString(p.Suite) {
		return fmt.Errorf("suite: %q is none of Debian's", p.Suite)
	}
	if len(p.Packages) == 0 {
		return fmt.Errorf("packages: none for %s", p.Path)
	}
	for _, name := range p.Packages {
		if !packageForm.MatchString(name) {
			return fmt.Errorf("packages: %q is no package name", name)
		}
	}
	return nil
}
