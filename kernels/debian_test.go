package kernels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/kernels/internal/fake"
)

var (
	single = fake.Kernel{Version: "5.10.901-1", Release: "5.10.0-91-cloud-amd64"}
	newer  = fake.Kernel{Version: "5.10.902-1", Release: "5.10.0-92-cloud-amd64"}
	split  = fake.Kernel{Version: "7.2.901-1", Release: "7.2.901+deb12-cloud-amd64", Split: true}
	halved = fake.Kernel{Version: "6.19.901-1", Release: "6.19.901+deb12-cloud-amd64", Split: true, Omit: "linux-modules"}
)

// newStore is a store whose Debian is an archive on disk, and the lines it says.
func newStore(t *testing.T, a *fake.Archive) (*Store, *lines) {
	t.Helper()
	for _, tool := range []string{"apt-get", "dpkg-deb", "gpg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: apt, dpkg and gpg are needed to play an archive", err)
		}
	}
	t.Setenv(debian.EnvMirror, "file:"+a.Dir)
	t.Setenv(debian.EnvSecurityMirror, "file:"+a.Dir+"-security")
	said := &lines{}
	return openStore(t, t.TempDir(), a, said), said
}

func openStore(t *testing.T, dir string, a *fake.Archive, said *lines) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.EtcApt, s.Keyrings, s.Progress = t.TempDir(), []string{a.Keyring}, said.add
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

type lines struct {
	mu   sync.Mutex
	text string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += line + "\n"
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text, part)
}

func get(s *Store, text string) (*Image, error) {
	ref, err := ParseRef(text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return s.Get(ctx, ref)
}

func mustGet(t *testing.T, s *Store, text string) *Image {
	t.Helper()
	img, err := get(s, text)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestGetFromDebian(t *testing.T) {
	a := fake.NewArchive(t, single, newer, split)
	s, _ := newStore(t, a)
	for _, c := range []struct {
		ref, name, release string
		packages           int
	}{
		{"debian:5.10.901-1", "debian-5.10.901-1-cloud-amd64", single.Release, 1},
		{"debian:5.10", "debian-5.10.902-1-cloud-amd64", newer.Release, 1},
		{"debian:5.10.901", "debian-5.10.901-1-cloud-amd64", single.Release, 1},
		{"debian:" + newer.Release, "debian-5.10.902-1-cloud-amd64", newer.Release, 1},
		{"debian:7.2.901-1", "debian-7.2.901-1-cloud-amd64", split.Release, 3},
	} {
		img := mustGet(t, s, c.ref)
		if img.Ref != c.ref || img.Name != c.name || img.Release != c.release || len(img.Packages) != c.packages {
			t.Errorf("%s: got %s %s %s of %d packages", c.ref, img.Ref, img.Name, img.Release, len(img.Packages))
		}
		checkImage(t, img)
	}
	checkTidy(t, s)
}

// checkImage looks at what every image must have.
func checkImage(t *testing.T, img *Image) {
	t.Helper()
	veth, err := os.ReadFile(filepath.Join(img.Modules, "kernel/drivers/net/veth.ko"))
	if err != nil || string(veth) != "veth of "+img.Package {
		t.Errorf("%s: module is %q, %v", img.Ref, veth, err)
	}
	if !strings.HasPrefix(img.Banner, "Linux version "+img.Release+" ") || !strings.HasPrefix(img.Package, img.Version+"-") {
		t.Errorf("%s: banner %q, version %q, package %q", img.Ref, img.Banner, img.Version, img.Package)
	}
	for _, file := range []string{img.Vmlinuz, img.Vmlinux, img.Config, img.SystemMap, img.BTF} {
		if _, err := os.Stat(file); err != nil || !filepath.IsAbs(file) {
			t.Errorf("%s: file %q: %v", img.Ref, file, err)
		}
	}
	if c, err := img.ReadConfig(); err != nil || c.Get("CONFIG_VETH") != "m" {
		t.Errorf("%s: config is %v, %v", img.Ref, c, err)
	}
	if !img.HasBTF || img.Size < 1000 || len(img.ID) != 64 {
		t.Errorf("%s: BTF %t, size %d, id %s", img.Ref, img.HasBTF, img.Size, img.ID)
	}
}

// checkTidy checks that nothing is left in the making: no partial download, no lock.
func checkTidy(t *testing.T, s *Store) {
	t.Helper()
	for _, dir := range []string{"tmp", "apt/lists/partial"} {
		left, err := os.ReadDir(filepath.Join(s.Dir, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			t.Errorf("%s/%s is left behind", dir, e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "apt/krepro.lock")); err == nil {
		t.Error("the catalogue's lock is left behind")
	}
}

// A cached run needs neither a mirror nor apt, however old the catalogue is.
func TestGetCachedOffline(t *testing.T) {
	a := fake.NewArchive(t, single, split)
	s, _ := newStore(t, a)
	first := mustGet(t, s, "debian:5.10")
	mustGet(t, s, "debian:7.2.901-1")
	c, err := debian.ReadCatalogue(s.cataloguePath())
	if err != nil {
		t.Fatal(err)
	}
	c.Updated = c.Updated.AddDate(-1, 0, 0)
	if err := c.Save(s.cataloguePath()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(a.Dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "")
	said := &lines{}
	s = openStore(t, s.Dir, a, said)
	if img := mustGet(t, s, "debian:5.10"); img.ID != first.ID || img.Vmlinuz != first.Vmlinuz {
		t.Errorf("got another image: %s, not %s", img.ID, first.ID)
	}
	mustGet(t, s, "debian:7.2.901-1")
	if said.text != "" {
		t.Errorf("a cached run had to do something: %s", said.text)
	}
}

func TestGetRefusesWhatIsNotSigned(t *testing.T) {
	a := fake.NewArchive(t, single)
	s, _ := newStore(t, a)
	s.Keyrings = []string{a.OtherKeyring(t)}
	wantUnavailable(t, s, "debian:5.10", "no suite answered", "NO_PUBKEY")

	s.Keyrings = []string{a.Keyring}
	index := filepath.Join(a.Dir, "dists/bookworm/main/binary-amd64/Packages")
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	fake.Write(t, index, []byte(strings.Replace(string(text), "5.10.901-1", "5.10.999-1", 1)))
	wantUnavailable(t, s, "debian:5.10", "no suite answered")
	checkTidy(t, s)
}

func TestGetRefusesAChangedPackage(t *testing.T) {
	a := fake.NewArchive(t, single)
	s, _ := newStore(t, a)
	deb := a.Pool("linux-image-" + single.Release + "_" + single.Version + "_amd64.deb")
	data, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	fake.Write(t, deb, data)
	wantUnavailable(t, s, "debian:5.10.901-1", "Hash Sum mismatch")
	checkTidy(t, s)
	if images, err := s.Images(); err != nil || len(images) != 0 {
		t.Errorf("the cache has %d images, %v", len(images), err)
	}
}

// wantUnavailable checks that a reference cannot be had, and what is said of it.
func wantUnavailable(t *testing.T, s *Store, ref string, says ...string) *UnavailableError {
	t.Helper()
	_, err := get(s, ref)
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) {
		t.Fatalf("%s: error is %v, want an UnavailableError", ref, err)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: error is %q, want %q in it", ref, err, part)
		}
	}
	return unavailable
}

func TestGetWhatIsGone(t *testing.T) {
	a := fake.NewArchive(t, single, newer, split, halved)
	s, said := newStore(t, a)
	if err := os.Remove(a.Pool("linux-image-" + newer.Release + "_" + newer.Version + "_amd64.deb")); err != nil {
		t.Fatal(err)
	}
	e := wantUnavailable(t, s, "debian:5.10.902-1", "stands in the index", "linux-image-"+newer.Release)
	if e.Nearest != "debian:5.10.901-1" {
		t.Errorf("nearest is %q, want debian:5.10.901-1", e.Nearest)
	}
	if img := mustGet(t, s, "debian:5.10"); img.Package != single.Version {
		t.Errorf("newest of the line that can be had is %s, want %s", img.Package, single.Version)
	}
	if n := said.count("the pool does not have it"); n != 1 {
		t.Errorf("that it is gone was said %d times, want once", n)
	}
	wantUnavailable(t, s, "debian:6.19", "linux-modules-"+halved.Release+" cannot be had")
	if _, err := s.Catalogue(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s, "debian:5.10.902-1", "nearest that can be had is debian:5.10.901-1")
	checkTidy(t, s)
}

// Suites that do not answer are said, and keep a reference from being called wrong.
func TestGetUnknown(t *testing.T) {
	a := fake.NewArchive(t, single)
	s, said := newStore(t, a)
	wantUnavailable(t, s, "debian:5.10.17-1", "no suite that answered lists it", "debian:5.10.901-1")
	if said.count("suite trixie did not answer: ") != 1 {
		t.Errorf("nothing said of trixie: %s", said.text)
	}
	c, err := debian.ReadCatalogue(s.cataloguePath())
	if err != nil {
		t.Fatal(err)
	}
	c.Missing, c.Updated = nil, time.Now().UTC()
	if err := c.Save(s.cataloguePath()); err != nil {
		t.Fatal(err)
	}
	_, err = get(s, "debian:5.10.17-1")
	var wrong *RefError
	if !errors.As(err, &wrong) {
		t.Errorf("error is %v, want a RefError: every suite answered", err)
	}
}

// Stores of several processes fill an entry once, also if asked at once.
func TestGetAtOnce(t *testing.T) {
	a := fake.NewArchive(t, single, split)
	s, said := newStore(t, a)
	others := []*Store{s, openStore(t, s.Dir, a, said), openStore(t, s.Dir, a, said), openStore(t, s.Dir, a, said)}
	var wg sync.WaitGroup
	errs := make(chan error, 2*len(others))
	for _, s := range others {
		for _, ref := range []string{"debian:5.10", "debian:7.2"} {
			wg.Go(func() {
				if _, err := get(s, ref); err != nil {
					errs <- fmt.Errorf("%s: %w", ref, err)
				}
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for _, what := range []string{"updating the catalogue", "fetching debian-5.10.901-1", "fetching debian-7.2.901-1"} {
		if n := said.count(what); n != 1 {
			t.Errorf("%q was said %d times, want once", what, n)
		}
	}
	checkTidy(t, s)
}

// A mirror that is away when the catalogue is renewed must not make the old one look new.
func TestCatalogueIsNotRenewedOffline(t *testing.T) {
	a := fake.NewArchive(t, single)
	s, said := newStore(t, a)
	before, err := s.Catalogue(context.Background(), anyAge)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(a.Dir, "dists")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Catalogue(context.Background(), 0); err == nil || !strings.Contains(err.Error(), "no suite answered") {
		t.Errorf("error is %v, want that no suite answered", err)
	}
	after, err := s.Catalogue(context.Background(), anyAge)
	if err != nil || !after.Updated.Equal(before.Updated) {
		t.Errorf("catalogue is of %s, %v; want %s", after.Updated, err, before.Updated)
	}
	after.Updated = after.Updated.Add(-2 * catalogueAge)
	if err := after.Save(s.cataloguePath()); err != nil {
		t.Fatal(err)
	}
	if img := mustGet(t, s, "debian:5.10"); img.Package != single.Version {
		t.Errorf("got %s", img.Package)
	}
	if said.count("using the catalogue of ") != 1 {
		t.Errorf("not said that the catalogue is old: %s", said.text)
	}
}

// KREPRO_NET_TESTS=1 fetches real kernels: of one package, of three, and one
// packed with xz.
func TestGetRealKernels(t *testing.T) {
	if os.Getenv("KREPRO_NET_TESTS") == "" {
		t.Skip("KREPRO_NET_TESTS is not set")
	}
	s := emptyStore(t)
	for ref, release := range map[string]string{
		"debian:5.10.218-1":         "5.10.0-30-cloud-amd64",
		"debian:7.2.13-1":           "7.2.13+deb14-cloud-amd64",
		"debian:5.10.223-1/amd64":   "5.10.0-32-amd64",
		"debian:5.10.0-32-rt-amd64": "5.10.0-32-rt-amd64",
	} {
		img, err := get(s, ref)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if img.Release != release || !img.HasBTF || !strings.HasPrefix(img.Banner, "Linux version "+release+" ") {
			t.Errorf("%s: image is %+v", ref, img)
		}
	}
	checkTidy(t, s)
}
