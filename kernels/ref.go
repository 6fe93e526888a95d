package kernels

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// DefaultFlavour is Debian's build for virtual machines: small, quick to boot.
const DefaultFlavour = "cloud-amd64"

// Flavours are the builds of Debian's kernels for amd64.
var Flavours = []string{DefaultFlavour, "amd64", "rt-amd64"}

// Ref is a parsed kernel reference. Of Version, Line, Release, Path, Tree and
// DebianSource one is set.
type Ref struct {
	Text    string // as the user wrote it
	Version string // exact package version, 5.10.218-1
	Line    string // newest of a line, 6.1
	Release string // uname -r, 5.10.0-30-cloud-amd64
	Path    string // a .deb or a boot image
	Flavour string // of a Debian kernel

	// A kernel that is to be built.
	Tree         string   // folder of a kernel tree
	Commit       string   // of the tree, any name git knows it by; "" means the files as they lie
	DebianSource string   // line or package version of Debian's linux-source, in place of a tree
	Patches      []string // files, in the order they are applied
	Fragments    []string // files with further options
	Debug        bool     // with KASAN and lockdep

	// What goes with a boot image, where it does not lie beside it.
	Modules, Config, SystemMap string
}

var (
	lineForm    = regexp.MustCompile(`^\d+(\.\d+){0,2}$`)
	versionForm = regexp.MustCompile(`^\d[A-Za-z0-9.+~:]*-[A-Za-z0-9.+~]+$`)
	releaseForm = regexp.MustCompile(`^\d+\.\d+[A-Za-z0-9.+~-]*-(cloud-amd64|rt-amd64|amd64)$`)
)

// ParseRef reads a reference. *RefError if it makes no sense; whether the
// kernel exists is another matter.
func ParseRef(text string) (Ref, error) {
	if name, ok := strings.CutPrefix(text, "debian:"); ok {
		return parseDebian(text, name)
	}
	if rest, ok := strings.CutPrefix(text, "tree:"); ok {
		return parseTree(text, rest)
	}
	if rest, ok := strings.CutPrefix(text, "debian-source:"); ok {
		return parseDebianSource(text, rest)
	}
	_, statErr := os.Stat(text)
	if !strings.Contains(text, "/") && statErr != nil {
		hint := "write debian:VERSION, tree:FOLDER or a path to a .deb or a boot image"
		if lineForm.MatchString(text) || versionForm.MatchString(text) {
			hint = "did you mean debian:" + text + "?"
		}
		return Ref{}, &RefError{text, "neither a debian: reference nor a file", hint}
	}
	if statErr != nil {
		return Ref{}, &RefError{text, "the file cannot be read: " + errno(statErr), "check the path"}
	}
	if strings.HasSuffix(text, ".rpm") {
		return Ref{}, &RefError{text, "RPM packages are not supported", "unpack it and name its vmlinuz"}
	}
	return Ref{Text: text, Path: text}, nil
}

func parseDebian(text, name string) (Ref, error) {
	name, flavour, hasFlavour := strings.Cut(name, "/")
	if !hasFlavour {
		flavour = DefaultFlavour
	}
	if !slices.Contains(Flavours, flavour) {
		return Ref{}, &RefError{text, "there is no flavour " + strconv.Quote(flavour), "use one of " + strings.Join(Flavours, ", ")}
	}
	r := Ref{Text: text, Flavour: flavour}
	switch {
	case releaseForm.MatchString(name):
		r.Release, r.Flavour = name, flavourOf(name)
		if hasFlavour && flavour != r.Flavour {
			return Ref{}, &RefError{text, "the release is of flavour " + r.Flavour, "leave out /" + flavour}
		}
	case lineForm.MatchString(name):
		r.Line = name
	case versionForm.MatchString(name):
		r.Version = name
	default:
		return Ref{}, &RefError{text, strconv.Quote(name) + " is no kernel version", "write a line (debian:6.1), a package version (debian:5.10.218-1) or a release (debian:5.10.0-30-cloud-amd64)"}
	}
	return r, nil
}

// flavourOf is the flavour that a Debian release ends with, "" if with none.
func flavourOf(release string) string {
	for _, f := range []string{"cloud-amd64", "rt-amd64", "amd64"} {
		if strings.HasSuffix(release, "-"+f) {
			return f
		}
	}
	return ""
}

// errno is the reason alone of an error of package os.
func errno(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
