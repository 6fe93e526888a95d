package debian

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Variables that name the archives where the machine's apt configuration has none.
const (
	EnvMirror         = "KREPRO_DEBIAN_MIRROR"
	EnvSecurityMirror = "KREPRO_DEBIAN_SECURITY_MIRROR"
)

// Names of the two archives, as Location.Archive has them.
const (
	Main     = "main"
	Security = "security"
)

// Mirrors are the base URIs of Debian's archives, by archive, without a slash at the end.
type Mirrors map[string]string

// Source is one place and suite that apt is told to read packages from.
type Source struct {
	URI, Suite string
	Components []string
	SignedBy   string
}

// releases are the names under which the main archive's suites are configured.
var releases = []string{
	"bullseye", "bookworm", "trixie", "forky", "sid",
	"oldoldstable", "oldstable", "stable", "testing", "unstable",
}

// Discover finds the archives: the environment first, then the machine's apt
// configuration in etc (/etc/apt). A machine without either gets an error that
// says what to set.
func Discover(etc fs.FS, getenv func(string) string) (Mirrors, error) {
	sources, err := ReadSources(etc)
	if err != nil {
		return nil, err
	}
	mirrors := Mirrors{Main: getenv(EnvMirror), Security: getenv(EnvSecurityMirror)}
	for archive, uri := range mirrors {
		if uri == "" {
			uri = pick(sources, archive)
		}
		if uri, err = direct(uri); err != nil {
			return nil, err
		}
		mirrors[archive] = strings.TrimRight(uri, "/")
	}
	if mirrors[Main] == "" && mirrors[Security] == "" {
		return nil, fmt.Errorf("find a debian mirror: no source in /etc/apt serves debian's main archive; set %s (and %s)", EnvMirror, EnvSecurityMirror)
	}
	return mirrors, nil
}

// pick chooses the source that serves an archive. Others' repositories name
// their suites after Debian's releases too; one that is tied to Debian's
// keyring or sits in a folder called debian is preferred. A wrong choice does
// no harm: the keyring does not confirm it.
func pick(sources []Source, archive string) string {
	best, bestRank := "", -1
	for _, s := range sources {
		if !serves(s, archive) {
			continue
		}
		rank := 0
		if strings.Contains(s.SignedBy, "debian-archive") {
			rank += 2
		}
		if base := path.Base(strings.TrimRight(s.URI, "/")); strings.HasPrefix(base, "debian") {
			rank++
		}
		if rank > bestRank {
			best, bestRank = s.URI, rank
		}
	}
	return best
}

func serves(s Source, archive string) bool {
	if !slices.Contains(s.Components, "main") || strings.HasPrefix(s.URI, "cdrom:") {
		return false
	}
	name, isSecurity := strings.CutSuffix(s.Suite, "-security")
	return slices.Contains(releases, name) && isSecurity == (archive == Security)
}

// direct replaces a list of mirrors in a file (mirror+file:PATH, as Debian's
// cloud images have it) by its first mirror: single files cannot be asked of
// apt's mirror method.
func direct(uri string) (string, error) {
	if !strings.HasPrefix(uri, "mirror") {
		return uri, nil
	}
	list, ok := strings.CutPrefix(uri, "mirror+file:")
	if !ok {
		return "", fmt.Errorf("read mirror list %s: only mirror+file: is understood; set %s and %s", uri, EnvMirror, EnvSecurityMirror)
	}
	text, err := os.ReadFile(path.Clean(list))
	if err != nil {
		return "", fmt.Errorf("read mirror list: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			return f[0], nil
		}
	}
	return "", fmt.Errorf("read mirror list %s: it names no mirror", list)
}

// ReadSources reads sources.list, sources.list.d/*.list and
// sources.list.d/*.sources below etc, as sources.list(5) describes them.
// Sources of source packages and disabled ones are left out.
func ReadSources(etc fs.FS) ([]Source, error) {
	files := []string{"sources.list"}
	for _, pattern := range []string{"sources.list.d/*.list", "sources.list.d/*.sources"} {
		found, err := fs.Glob(etc, pattern)
		if err != nil {
			return nil, fmt.Errorf("list apt sources: %w", err)
		}
		files = append(files, found...)
	}
	var sources []Source
	for _, name := range files {
		text, err := fs.ReadFile(etc, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read apt sources: %w", err)
		}
		if strings.HasSuffix(name, ".sources") {
			sources = append(sources, parseStanzas(string(text))...)
		} else {
			sources = append(sources, parseLines(string(text))...)
		}
	}
	return sources, nil
}

// parseLines reads the one-line format: deb [option=value …] URI SUITE COMPONENT…
func parseLines(text string) []Source {
	var sources []Source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t' && rest[0] != '[') {
			continue
		}
		rest = strings.TrimSpace(rest)
		var signedBy string
		if options, after, ok := strings.Cut(rest, "]"); ok && rest[0] == '[' {
			rest = after
			for _, o := range strings.Fields(options[1:]) {
				if v, ok := strings.CutPrefix(o, "signed-by="); ok {
					signedBy = v
				}
			}
		}
		if f := strings.Fields(rest); len(f) >= 2 {
			sources = append(sources, Source{URI: f[0], Suite: f[1], Components: f[2:], SignedBy: signedBy})
		}
	}
	return sources
}

// parseStanzas reads the deb822 format; a stanza may name several URIs and suites.
func parseStanzas(text string) []Source {
	var sources []Source
	for s := range stanzas(bufio.NewScanner(strings.NewReader(text))) {
		if !slices.Contains(strings.Fields(s["types"]), "deb") || strings.EqualFold(s["enabled"], "no") {
			continue
		}
		for _, uri := range strings.Fields(s["uris"]) {
			for _, suite := range strings.Fields(s["suites"]) {
				sources = append(sources, Source{
					URI: uri, Suite: suite,
					Components: strings.Fields(s["components"]), SignedBy: s["signed-by"],
				})
			}
		}
	}
	return sources
}
