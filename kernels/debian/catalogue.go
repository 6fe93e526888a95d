package debian

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// catalogueFormat changes when a catalogue has other things in it than before.
const catalogueFormat = 2 // sources too

// Catalogue is what the signed indexes say of kernels.
type Catalogue struct {
	Format   int               `json:"format"`
	Updated  time.Time         `json:"updated"`
	Suites   []string          `json:"suites"`         // those that answered
	Missing  map[string]string `json:"missing"`        // those that did not: why
	Gone     map[string]bool   `json:"gone,omitempty"` // sha256 of packages that are listed and gone from the pool
	Packages []Package         `json:"packages"`       // distinct by name, version and sha256
}

// Kernel is one build of a kernel: the packages it is made of.
type Kernel struct {
	Version  string    `json:"version"` // Debian's, 5.10.218-1
	Release  string    `json:"release"` // uname -r
	Flavour  string    `json:"flavour"`
	Unsigned bool      `json:"unsigned,omitempty"` // not signed for Secure Boot
	Packages []Package `json:"packages"`
	Lacks    []string  `json:"lacks,omitempty"` // packages that it needs and that cannot be had
}

// ReadCatalogue reads a catalogue that Save wrote; nil if there is none, or one
// of another format.
func ReadCatalogue(path string) (*Catalogue, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	var c Catalogue
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", path, err)
	}
	if c.Format != catalogueFormat {
		return nil, nil
	}
	return &c, nil
}

// Save writes the catalogue, visible at once or not at all.
func (c *Catalogue) Save(path string) error {
	c.Format = catalogueFormat
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode catalogue: %w", err)
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("write catalogue: %w", err)
	}
	return nil
}

// replace writes a file that becomes visible as a whole: others may be reading it.
func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// add joins packages of one more index: the same package in a further suite or
// archive is a further place to fetch it from.
func (c *Catalogue) add(packages []Package) {
	for _, p := range packages {
		i := slices.IndexFunc(c.Packages, func(q Package) bool {
			return q.Name == p.Name && q.SHA256 == p.SHA256
		})
		if i < 0 {
			c.Packages = append(c.Packages, p)
			continue
		}
		c.Packages[i].At = append(c.Packages[i].At, p.At...)
	}
}

// Kernels lists every build, newest version first; of one version the complete
// before the incomplete, then the signed before the unsigned.
func (c *Catalogue) Kernels() []Kernel {
	byKey := map[string]Package{}
	for _, p := range c.Packages {
		byKey[p.Name+" "+p.Version] = p
	}
	var kernels []Kernel
	for _, p := range c.Packages {
		if k, ok := c.kernelOf(p, byKey); ok {
			kernels = append(kernels, k)
		}
	}
	slices.SortFunc(kernels, func(a, b Kernel) int {
		return cmp.Or(
			CompareVersions(b.Version, a.Version),
			cmp.Compare(len(a.Lacks), len(b.Lacks)),
			cmp.Compare(a.rank(), b.rank()),
			strings.Compare(a.Release, b.Release),
		)
	})
	return kernels
}

// Sources lists the source packages that are not gone from the pool, newest first.
func (c *Catalogue) Sources() []Package {
	var found []Package
	for _, p := range c.Packages {
		if sourcePackage.MatchString(p.Name) && !c.Gone[p.SHA256] {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Package) int { return CompareVersions(b.Version, a.Version) })
	return found
}

func (k Kernel) rank() int {
	if k.Unsigned {
		return 1
	}
	return 0
}

// kernelOf makes the kernel whose image is in p; false if p holds no image. The
// image of a split kernel is in linux-binary, so the linux-image that only ties
// its parts together is not needed.
func (c *Catalogue) kernelOf(p Package, byKey map[string]Package) (Kernel, bool) {
	m := kernelPackage.FindStringSubmatch(p.Name)
	if m == nil || !release.MatchString(m[3]) {
		return Kernel{}, false
	}
	part, rel := m[1], m[3]
	k := Kernel{Version: p.Version, Release: rel, Flavour: m[4], Unsigned: m[2] != "" || m[5] != ""}
	names := []string{p.Name}
	switch {
	case part == "binary":
		names = append(names, "linux-base-"+rel, "linux-modules-"+rel)
	case part != "image" || slices.ContainsFunc(p.Needs, isBinary):
		return Kernel{}, false
	}
	for _, name := range names {
		if q, ok := byKey[name+" "+p.Version]; ok && !c.Gone[q.SHA256] {
			k.Packages = append(k.Packages, q)
		} else {
			k.Lacks = append(k.Lacks, name)
		}
	}
	return k, true
}

func isBinary(name string) bool { return strings.HasPrefix(name, "linux-binary-") }

// Nearest orders complete kernels of a flavour by how near they are to a
// version: those of its line first, then by how many versions lie between, the
// older before the newer. Of a version the best build alone.
func Nearest(kernels []Kernel, version, flavour string) []Kernel {
	var have []Kernel
	for _, k := range kernels {
		if k.Flavour == flavour && len(k.Lacks) == 0 && k.Version != version &&
			(len(have) == 0 || have[len(have)-1].Version != k.Version) {
			have = append(have, k)
		}
	}
	at := len(have)
	for i, k := range have {
		if CompareVersions(k.Version, version) < 0 {
			at = i
			break
		}
	}
	distance := make(map[string]int, len(have))
	for i, k := range have {
		if distance[k.Version] = 2*(i-at) + 1; i < at {
			distance[k.Version] = 2 * (at - i)
		}
		if Line(k.Version) != Line(version) {
			distance[k.Version] += 2 * len(have)
		}
	}
	slices.SortStableFunc(have, func(a, b Kernel) int { return cmp.Compare(distance[a.Version], distance[b.Version]) })
	return have
}

// Parts names the packages that make the kernel which a package belongs to; nil
// if the package is a kernel by itself, or none of Debian's.
func Parts(name, version, depends string) []string {
	m := kernelPackage.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	binary := "linux-binary-" + m[2] + m[3]
	switch tied := needs(depends, version); {
	case m[1] == "image" && !slices.ContainsFunc(tied, isBinary):
		return nil
	case m[1] == "image":
		binary = tied[slices.IndexFunc(tied, isBinary)]
	}
	return []string{binary, "linux-base-" + m[3], "linux-modules-" + m[3]}
}
