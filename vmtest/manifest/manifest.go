// Package manifest finds compiled suites. A folder of suites holds two files
// for each: NAME.test, a Go test binary linked statically, and NAME.yaml, what
// it needs of the kernel:
//
//	about: one line, what the suite asks
//	modules: [veth]                # loaded before it runs, with what they depend on
//	config: [CONFIG_CGROUP_BPF]    # built in or a module, or the kernel is untestable
//	on_request: true               # runs only if it is asked for by name
//	alone: true                    # has a VM to itself
//	limit: 60s                     # ended after so long
//	programs:                      # of Debian, put into the guest with their libraries
//	  - {path: /usr/sbin/nginx, suite: bookworm, packages: [nginx, libc6]}
package manifest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Suite is a compiled suite.
type Suite struct {
	Name      string   `yaml:"-"`
	Binary    string   `yaml:"-"` // path of NAME.test
	About     string   `yaml:"about"`
	Modules   []string `yaml:"modules"`    // kernel module names
	Config    []string `yaml:"config"`     // options with CONFIG_ in front
	OnRequest bool     `yaml:"on_request"` // asks for no bug: not among "all suites"
	Alone     bool     `yaml:"alone"`      // shares its VM with no other suite: it may hang it, or must not be disturbed
	// Limit is how long it may take; 0 leaves it to the VM's deadlines.
	Limit time.Duration `yaml:"limit"`
	// Programs go into the guest. The suite runs without them, too.
	Programs []Program `yaml:"programs"`
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	moduleForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	optionForm = regexp.MustCompile(`^CONFIG_[A-Z0-9_]+$`)
)

// Find lists the suites of a folder by name. No suite at all is an error.
func Find(dir string) ([]Suite, error) {
	binaries, err := filepath.Glob(filepath.Join(dir, "*.test"))
	if err != nil {
		return nil, fmt.Errorf("find suites: %w", err)
	}
	if len(binaries) == 0 {
		return nil, fmt.Errorf("find suites: no *.test in %s", dir)
	}
	var suites []Suite
	for _, binary := range binaries {
		name := strings.TrimSuffix(filepath.Base(binary), ".test")
		file := filepath.Join(dir, name+".yaml")
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("find suites: %s has no %s.yaml beside it", binary, name)
		}
		if err != nil {
			return nil, fmt.Errorf("find suites: %w", err)
		}
		s, err := Parse(name, data)
		if err != nil {
			return nil, fmt.Errorf("find suites: %s: %w", file, err)
		}
		if dynamic(binary) {
			return nil, fmt.Errorf("find suites: %s is linked dynamically, and the guest has no libraries: build it with CGO_ENABLED=0", binary)
		}
		s.Binary = binary
		suites = append(suites, s)
	}
	return suites, nil
}

// dynamic tells whether a program asks for an interpreter. What is no ELF file
// does not; whether it runs the guest will see.
func dynamic(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// Parse reads the manifest of the suite of that name, strictly.
func Parse(name string, data []byte) (Suite, error) {
	s := Suite{Name: name}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		return Suite{}, fmt.Errorf("parse manifest: %w", err)
	}
	var more any
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return Suite{}, errors.New("parse manifest: a second document after the first")
	}
	if !nameForm.MatchString(name) {
		return Suite{}, fmt.Errorf("check manifest: suite name %q: want lower-case letters, digits, -", name)
	}
	if strings.TrimSpace(s.About) == "" || strings.Contains(strings.TrimSpace(s.About), "\n") {
		return Suite{}, errors.New("check manifest: about: want one line")
	}
	if s.Limit < 0 {
		return Suite{}, fmt.Errorf("check manifest: limit: %s is negative", s.Limit)
	}
	for _, m := range s.Modules {
		if !moduleForm.MatchString(m) {
			return Suite{}, fmt.Errorf("check manifest: modules: %q is no module name", m)
		}
	}
	for _, o := range s.Config {
		if !optionForm.MatchString(o) {
			return Suite{}, fmt.Errorf("check manifest: config: %q: want CONFIG_…", o)
		}
	}
	for _, p := range s.Programs {
		if err := p.check(); err != nil {
			return Suite{}, fmt.Errorf("check manifest: programs: %w", err)
		}
	}
	return s, nil
}
