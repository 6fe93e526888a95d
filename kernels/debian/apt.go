package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Suite is one suite that kernels are taken from.
type Suite struct{ Name, Archive string }

// Suites are all that have kernels from 5.10 on. Backports of trixie has the
// lines between two Debian releases (6.16 to 7.x).
var Suites = []Suite{
	{"bullseye", Main}, {"bullseye-security", Security},
	{"bookworm", Main}, {"bookworm-security", Security}, {"bookworm-backports", Main},
	{"trixie", Main}, {"trixie-security", Security}, {"trixie-backports", Main},
	{"sid", Main},
}

// Keyrings are the files that may hold Debian's archive keys; the first that exists is taken.
var Keyrings = []string{
	"/usr/share/keyrings/debian-archive-keyring.gpg",
	"/usr/share/keyrings/debian-archive-keyring.pgp",
}

// Deadlines of apt as a whole; a stalled connection ends after connectTimeout.
const (
	updateTimeout  = 10 * time.Minute
	fetchTimeout   = 20 * time.Minute
	connectTimeout = 20 * time.Second
)

// Apt is a private apt state. It must not be used by two at a time for Update.
type Apt struct {
	Dir      string   // its folder, absolute; made if missing
	Mirrors  Mirrors  // where the archives are
	Keyrings []string // candidates; nil: Keyrings
}

// Update fetches and verifies the indexes and reads the kernels in them. A
// suite that does not answer or whose signature is not good is noted in
// Missing; that none answers is an error.
func (a Apt) Update(ctx context.Context) (*Catalogue, error) {
	conf, err := a.prepare()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	_, updateErr := run(ctx, "apt-get", "-c", conf, "-qq", "update")
	if err := a.tidy(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("update package lists: %w", context.Cause(ctx))
	}
	c := &Catalogue{Updated: time.Now().UTC(), Missing: map[string]string{}, Gone: map[string]bool{}}
	for _, suite := range a.suites() {
		file, err := a.indexFile(suite.Name)
		if err != nil {
			return nil, err
		}
		if file == "" {
			c.Missing[suite.Name] = reason(updateErr, suite.Name)
			continue
		}
		packages, err := readIndex(ctx, conf, file, suite)
		if err != nil {
			return nil, err
		}
		c.Suites = append(c.Suites, suite.Name)
		c.add(packages)
	}
	if len(c.Suites) == 0 {
		return nil, fmt.Errorf("update package lists: no suite answered: %w", updateErr)
	}
	return c, nil
}

// tidy removes what a failed update leaves half fetched.
func (a Apt) tidy() error {
	left, err := filepath.Glob(filepath.Join(a.Dir, "lists/partial/*"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return fmt.Errorf("tidy apt state: %w", err)
	}
	return nil
}

// suites are those whose archive is known.
func (a Apt) suites() []Suite {
	var known []Suite
	for _, s := range Suites {
		if a.Mirrors[s.Archive] != "" {
			known = append(known, s)
		}
	}
	return known
}

// prepare writes the private state's configuration and sources.
func (a Apt) prepare() (conf string, err error) {
	keyring, err := a.keyring()
	if err != nil {
		return "", err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.Dir, d), 0o755); err != nil {
			return "", fmt.Errorf("make apt state: %w", err)
		}
	}
	var sources strings.Builder
	for _, s := range a.suites() {
		fmt.Fprintf(&sources, "deb [arch=amd64 target=Packages signed-by=%s] %s %s main\n", keyring, a.Mirrors[s.Archive], s.Name)
	}
	conf = filepath.Join(a.Dir, "apt.conf")
	err = errors.Join(
		replace(filepath.Join(a.Dir, "sources.list"), []byte(sources.String())),
		replace(conf, []byte(a.config())),
	)
	if err != nil {
		return "", fmt.Errorf("make apt state: %w", err)
	}
	return conf, nil
}

// keyring is the first candidate that exists.
func (a Apt) keyring() (string, error) {
	candidates := a.Keyrings
	if candidates == nil {
		candidates = Keyrings
	}
	for _, k := range candidates {
		if _, err := os.Stat(k); err == nil {
			return k, nil
		}
	}
	return "", fmt.Errorf("find debian's archive keyring: none of %s is there; install the package debian-archive-keyring", strings.Join(candidates, ", "))
}

// config is what differs from the machine's apt configuration, which is read
// before it and otherwise holds.
func (a Apt) config() string {
	settings := []string{
		// The machine's hooks tidy up or announce changes of the system's state.
		"#clear APT::Update::Pre-Invoke;",
		"#clear APT::Update::Post-Invoke;",
		"#clear APT::Update::Post-Invoke-Success;",
		fmt.Sprintf("Dir::State %q;", a.Dir),
		fmt.Sprintf("Dir::State::lists %q;", filepath.Join(a.Dir, "lists")),
		`Dir::State::status "/dev/null";`,
		fmt.Sprintf("Dir::Cache %q;", filepath.Join(a.Dir, "cache")),
		fmt.Sprintf("Dir::Etc::sourcelist %q;", filepath.Join(a.Dir, "sources.list")),
		`Dir::Etc::sourceparts "-";`,
		`Dir::Etc::preferences "-";`,
		`Dir::Etc::preferencesparts "-";`,
		`Acquire::GzipIndexes "true";`, // 80 MB of lists in place of 240
		`Acquire::PDiffs "false";`,     // dozens of small requests are slower than one file
		`Acquire::Languages "none";`,
		fmt.Sprintf("Acquire::http::Timeout \"%.0f\";", connectTimeout.Seconds()),
		fmt.Sprintf("Acquire::https::Timeout \"%.0f\";", connectTimeout.Seconds()),
		`Acquire::Retries "2";`,
		`APT::Get::List-Cleanup "true";`,  // lists of a mirror that is no longer used must go
		`pkgCacheFile::Generate "false";`, // apt's own cache of the lists: 2.5 s, not read by us
		// The cache folder belongs to the user who runs krepro; apt's own user
		// (root drops to it) has no way into it.
		`APT::Sandbox::User "root";`,
	}
	return strings.Join(settings, "\n") + "\n"
}

// indexFile is the Packages file that apt left for a suite, "" if there is
// none. apt names it after the URI: HOST_PATH_dists_SUITE_main_binary-amd64_Packages.lz4
func (a Apt) indexFile(suite string) (string, error) {
	files, err := filepath.Glob(filepath.Join(a.Dir, "lists", "*_dists_"+suite+"_main_binary-amd64_Packages*"))
	if err != nil {
		return "", fmt.Errorf("find index of %s: %w", suite, err)
	}
	if len(files) == 0 {
		return "", nil
	}
	return files[0], nil
}

// reason finds what apt said of a suite.
func reason(err error, suite string) string {
	if err == nil {
		return "no index for amd64"
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, " "+suite+" ") || strings.Contains(line, "/"+suite+"/") {
			return strings.TrimSpace(line)
		}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// readIndex reads one index in whatever compression apt left it.
func readIndex(ctx context.Context, conf, file string, suite Suite) (packages []Package, err error) {
	helper, err := aptHelper()
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, helper, "-c", conf, "cat-file", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("read index of %s: %w", suite.Name, err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("read index of %s: %w", suite.Name, err)
	}
	packages, err = ReadPackages(out, suite.Archive, suite.Name)
	if err != nil {
		// Unread output would block the helper for ever.
		_, _ = io.Copy(io.Discard, out)
	}
	if waitErr := cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("read index of %s: %w: %s", suite.Name, waitErr, stderr.String()))
	}
	return packages, err
}
