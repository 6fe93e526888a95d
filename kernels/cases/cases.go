// Package cases is the corpus of known kernel bugs: one small YAML file each,
// compiled in. A file says which commits brought and fixed the bug, by which
// specs and symptoms it shows, and on which kernels it has been seen; its name
// is the case's name. docs/cases.md is the manual for writing one.
//
// From the two commits follows which upstream versions have the bug, line by
// line; where that is not known, nothing is expected.
package cases

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krepro/krepro/harness/event"
)

//go:embed *.yaml
var corpus embed.FS

// Case is one known bug.
type Case struct {
	Name  string `yaml:"-"` // of the file, without .yaml
	Title string `yaml:"title"`
	About string `yaml:"about"`
	// Invariant says that this is no bug but a behaviour that must not change: no
	// kernel is to show it, and there are no commits.
	Invariant  bool            `yaml:"invariant"`
	Introduced Change          `yaml:"introduced"` // zero: in every known kernel
	Fixed      Change          `yaml:"fixed"`      // zero: not fixed anywhere
	Unpinned   []string        `yaml:"unpinned"`   // lines that got the fix, nobody knows in which release
	Untestable []string        `yaml:"untestable"` // lines that lack what the specs need
	Shows      []Specs         `yaml:"shows"`      // specs that show the bug for certain
	May        []Specs         `yaml:"may"`        // specs that may fail by it
	Splats     []string        `yaml:"splats"`     // titles of console splats that show it
	Hang       bool            `yaml:"hang"`       // it shows as a machine without a sign of life
	Seen       map[string]Seen `yaml:"seen"`       // measured, by Debian package or upstream version
	// Uncontrolled says why nobody has seen its specs fail, neither on a prebuilt
	// kernel nor on one built with a patch (kernels/patches).
	Uncontrolled string `yaml:"uncontrolled"`
}

// Change is a commit and the releases it came with.
type Change struct {
	Commit   string            `yaml:"commit"` // full hash in mainline
	Subject  string            `yaml:"subject"`
	Mainline string            `yaml:"mainline"` // 5.16-rc1
	Stable   map[string]string `yaml:"stable"`   // line: first release, "5.10": 5.10.80
}

// Specs are specs of one suite by which a bug shows alike.
type Specs struct {
	Suite    string          `yaml:"suite"`
	Symptoms []event.Symptom `yaml:"symptoms"` // no other may come with it
	Trials   int             `yaml:"trials"`   // fewer passed trials cannot tell; 0: one is enough
	Specs    []string        `yaml:"specs"`    // full texts, as the events have them
}

// Seen says what a kernel was measured or is expected to be.
type Seen string

// What a kernel can be.
const (
	Affected   Seen = "affected"
	Unaffected Seen = "unaffected"
	Untestable Seen = "untestable" // it lacks what the specs need
	Unknown    Seen = "unknown"
)

// Load reads and checks the whole corpus, sorted by name.
func Load() ([]Case, error) { return load(corpus) }

func load(fsys fs.FS) ([]Case, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	var all []Case
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read case: %w", err)
		}
		c, err := Parse(strings.TrimSuffix(file, ".yaml"), data)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Parse reads one case strictly: an unknown field, a second document and
// whatever check finds are errors, which name file and line where they can.
func Parse(name string, data []byte) (Case, error) {
	c := Case{Name: name}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return Case{}, fmt.Errorf("parse case %s.yaml: %w", name, err)
	}
	var more any
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return Case{}, fmt.Errorf("parse case %s.yaml: a second document after the first", name)
	}
	if err := c.check(); err != nil {
		return Case{}, fmt.Errorf("check case %s.yaml: %w", name, err)
	}
	return c, nil
}

// Suites are the suites that the case cannot be judged without, sorted.
func (c Case) Suites() []string {
	set := map[string]bool{}
	for _, s := range c.Shows {
		set[s.Suite] = true
	}
	return slices.Sorted(maps.Keys(set))
}
