package debian

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"strings"
)

// maxLine bounds a line of a control file; the longest in Debian's indexes have some 50 kB.
const maxLine = 4 << 20

// Package is one binary package as a signed index describes it.
type Package struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	SHA256  string     `json:"sha256"`
	Size    int64      `json:"size"`            // bytes of the .deb
	Needs   []string   `json:"needs,omitempty"` // packages it depends on in exactly its own version
	At      []Location `json:"at"`              // where it lies; one package may be in several archives
}

// Location is a place of a package file.
type Location struct {
	Archive string `json:"archive"`         // Main or Security
	Suite   string `json:"suite,omitempty"` // the suite whose index lists it
	Path    string `json:"path"`            // below the archive's base URI
}

// kernelPackage takes a kernel package's name apart: part, unsigned before or
// after the release, release, flavour. Debug packages do not match.
var kernelPackage = regexp.MustCompile(`^linux-(image|binary|base|modules)-(unsigned-)?(\d+\.\d+[^ ]*?-(cloud-amd64|rt-amd64|amd64))(-unsigned)?$`)

// sourcePackage is the source of a line, with Debian's patches.
var sourcePackage = regexp.MustCompile(`^linux-source-\d+\.\d+$`)

// release is what uname -r of a Debian kernel looks like. Meta packages
// (linux-image-6.12-cloud-amd64) have no third number.
var release = regexp.MustCompile(`^\d+\.\d+(\.\d+|[~-]rc\d+)[^ /]*-(cloud-amd64|rt-amd64|amd64)$`)

// ReadPackages takes the kernel and source packages out of a Packages index.
func ReadPackages(index io.Reader, archive, suite string) ([]Package, error) {
	lines := bufio.NewScanner(index)
	lines.Buffer(nil, maxLine)
	var found []Package
	for s := range kernelStanzas(lines) {
		p, err := parsePackage(s)
		if err != nil {
			return nil, fmt.Errorf("read index of %s: %w", suite, err)
		}
		p.At = []Location{{Archive: archive, Suite: suite, Path: s["filename"]}}
		found = append(found, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read index of %s: %w", suite, err)
	}
	return found, nil
}

// kernelStanzas yields the stanzas of kernel and source packages. An index has some 65,000
// stanzas and 60 MB; only lines of those that matter are taken apart.
func kernelStanzas(lines *bufio.Scanner) iter.Seq[map[string]string] {
	first := []byte("Package: linux-")
	return func(yield func(map[string]string) bool) {
		for lines.Scan() {
			if !bytes.HasPrefix(lines.Bytes(), first) {
				continue
			}
			name := strings.TrimPrefix(lines.Text(), "Package: ")
			if !kernelPackage.MatchString(name) && !sourcePackage.MatchString(name) {
				continue
			}
			s := map[string]string{"package": name}
			readStanza(lines, s)
			if !yield(s) {
				return
			}
		}
	}
}

func parsePackage(s map[string]string) (Package, error) {
	p := Package{Name: s["package"], Version: s["version"], SHA256: s["sha256"], Needs: needs(s["depends"], s["version"])}
	var err error
	if p.Size, err = strconv.ParseInt(s["size"], 10, 64); err != nil {
		return p, fmt.Errorf("parse size of %s: %w", p.Name, err)
	}
	if p.Version == "" || len(p.SHA256) != 64 || s["filename"] == "" {
		return p, fmt.Errorf("parse %s: version, sha256 or filename is missing", p.Name)
	}
	return p, nil
}

// ParseControl reads one control stanza, as dpkg-deb --field prints it, with
// the field names in lower case.
func ParseControl(r io.Reader) map[string]string {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	s := map[string]string{}
	readStanza(lines, s)
	return s
}

// stanzas yields every stanza of a control file, without comments.
func stanzas(lines *bufio.Scanner) iter.Seq[map[string]string] {
	return func(yield func(map[string]string) bool) {
		for {
			s := map[string]string{}
			more := readStanza(lines, s)
			if len(s) > 0 && !yield(s) {
				return
			}
			if !more {
				return
			}
		}
	}
}

// readStanza adds fields up to the next empty line, or false at the end.
func readStanza(lines *bufio.Scanner, s map[string]string) (more bool) {
	field := ""
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			return true
		case line[0] == ' ' || line[0] == '\t':
			s[field] += "\n" + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			field = strings.ToLower(name)
			s[field] = strings.TrimSpace(value)
		}
	}
	return false
}

// needs lists the packages that a Depends field ties to the same version:
// "linux-modules-7.2.13+deb14-amd64 (= 7.2.13-1)".
func needs(depends, version string) []string {
	var names []string
	for _, d := range strings.Split(depends, ",") {
		name, constraint, _ := strings.Cut(strings.TrimSpace(d), " ")
		if constraint == "(= "+version+")" {
			names = append(names, name)
		}
	}
	return names
}
