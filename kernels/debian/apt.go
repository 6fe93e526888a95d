package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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

// GoneError says that a package is listed by a signed index and not in the pool.
type GoneError struct{ Package Package }

func (e *GoneError) Error() string {
	return fmt.Sprintf("fetch %s %s: the index lists it, the pool does not have it", e.Package.Name, e.Package.Version)
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
	keyring := ""
	candidates := a.Keyrings
	if candidates == nil {
		candidates = Keyrings
	}
	for _, k := range candidates {
		if _, err := os.Stat(k); err == nil && keyring == "" {
			keyring = k
		}
	}
	if keyring == "" {
		return "", fmt.Errorf("find debian's archive keyring: %s is not there; install the package debian-archive-keyring", candidates[0])
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
	if err := os.WriteFile(filepath.Join(a.Dir, "sources.list"), []byte(sources.String()), 0o644); err != nil {
		return "", fmt.Errorf("make apt state: %w", err)
	}
	conf = filepath.Join(a.Dir, "apt.conf")
	if err := os.WriteFile(conf, []byte(a.config()), 0o644); err != nil {
		return "", fmt.Errorf("make apt state: %w", err)
	}
	return conf, nil
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
	return strings.TrimSpace(err.Error())
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

// Fetch gets packages into a folder, checked against their SHA-256, and returns
// the files in the same order. *GoneError if the pool does not have one.
func (a Apt) Fetch(ctx context.Context, dir string, packages []Package) ([]string, error) {
	conf, err := a.prepare()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	files := make([]string, len(packages))
	for i, p := range packages {
		files[i] = filepath.Join(dir, p.Name+".deb")
		if err := a.fetch(ctx, conf, files[i], p); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// fetch tries each place of a package in turn.
func (a Apt) fetch(ctx context.Context, conf, file string, p Package) error {
	helper, err := aptHelper()
	if err != nil {
		return err
	}
	var failed error
	gone := true
	for _, at := range p.At {
		base := a.Mirrors[at.Archive]
		if base == "" {
			failed, gone = errors.Join(failed, fmt.Errorf("fetch %s: no mirror of debian's %s archive is known", p.Name, at.Archive)), false
			continue
		}
		_, err := run(ctx, helper, "-c", conf, "download-file", base+"/"+at.Path, file, "SHA256:"+p.SHA256)
		if err == nil {
			return verify(file, p)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("fetch %s: %w", p.Name, context.Cause(ctx))
		}
		failed = errors.Join(failed, fmt.Errorf("fetch %s: %w", p.Name, err))
		gone = gone && saysGone(err.Error())
	}
	if gone {
		return &GoneError{p}
	}
	return failed
}

// saysGone reads apt's message, in LC_ALL=C, for a file that is not there: by
// HTTP status, or by the file method.
func saysGone(message string) bool {
	for _, sign := range []string{"404  Not Found", "410  Gone", "File not found"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

// verify checks a file by its hash. apt did so already; this does not rest on
// how apt is configured.
func verify(file string, p Package) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("verify %s: %w", p.Name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("verify %s: %w", p.Name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("verify %s: sha256 is %s, the signed index says %s", p.Name, got, p.SHA256)
	}
	return nil
}

func aptHelper() (string, error) {
	const helper = "/usr/lib/apt/apt-helper"
	if _, err := os.Stat(helper); err != nil {
		return "", fmt.Errorf("find apt: %w; kernels of debian are fetched by apt", err)
	}
	return helper, nil
}

// command is an apt tool in the C locale, ended softly so that it stops its own children.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run returns what a tool printed; a failure carries its messages.
func run(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	cmd := command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
