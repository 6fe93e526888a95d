package debian

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	// Whether it succeeds says little: a suite that could not be reached is a
	// warning to apt, one that does not exist an error.
	messages, updateErr := update(ctx, conf)
	if err := a.tidy(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("update package lists: %w", context.Cause(ctx))
	}
	c := &Catalogue{Updated: time.Now().UTC(), Missing: map[string]string{}, Gone: map[string]bool{}}
	for _, suite := range a.suites() {
		if err := a.read(ctx, c, conf, suite, complaint(messages, suite.Name)); err != nil {
			return nil, err
		}
	}
	if len(c.Suites) == 0 {
		return nil, fmt.Errorf("update package lists: no suite answered: %s", cmp.Or(worst(messages), fmt.Sprint(updateErr)))
	}
	return c, nil
}

// read adds a suite's index to the catalogue. Of a suite that apt complained of,
// an index may be there from before: better than none.
func (a Apt) read(ctx context.Context, c *Catalogue, conf string, suite Suite, complaint string) error {
	file, err := a.indexFile(suite.Name)
	if err != nil {
		return err
	}
	if file == "" && complaint == "" {
		complaint = "no index for amd64"
	}
	if complaint != "" {
		c.Missing[suite.Name] = complaint
	} else {
		c.Suites = append(c.Suites, suite.Name)
	}
	if file == "" {
		return nil
	}
	packages, err := readIndex(ctx, conf, file, suite)
	c.add(packages)
	return err
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

// update runs apt-get update and returns what it complained of, in one line.
func update(ctx context.Context, conf string) (messages string, err error) {
	var stderr strings.Builder
	cmd := command(ctx, "apt-get", "-c", conf, "-qq", "update")
	cmd.Stderr = &stderr
	err = cmd.Run()
	return oneLine(stderr.String()), err
}

// complaint finds what apt said of a suite, "" if nothing.
func complaint(messages, suite string) string {
	for message := range strings.SplitSeq(messages, "; ") {
		if strings.Contains(message, " "+suite+" ") || strings.Contains(message, "/"+suite+"/") {
			return message
		}
	}
	return ""
}

// worst is a complaint about a signature, else the first.
func worst(messages string) string {
	all := strings.Split(messages, "; ")
	if i := slices.IndexFunc(all, func(m string) bool { return strings.Contains(m, "GPG error") }); i >= 0 {
		return all[i]
	}
	return all[0]
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
