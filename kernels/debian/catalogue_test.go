package debian

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// stanza is one entry of an index.
func stanza(name, version, depends string) string {
	return fmt.Sprintf("Package: %s\nSource: linux\nVersion: %s\nDepends: %s\nDescription: Linux\n continued: not a field\nFilename: pool/%s_%s.deb\nSize: 1000\nSHA256: %s\n\n",
		name, version, depends, name, version, sum(name+version))
}

func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

const rel = "7.2.13+deb14-cloud-amd64"

func tied(version string) string {
	return fmt.Sprintf("kmod, linux-base-%[1]s (= %[2]s), linux-binary-%[1]s (= %[2]s), linux-modules-%[1]s (= %[2]s), linux-base (>= 4.17~)", rel, version)
}

func someIndex() string {
	return stanza("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2", "kmod") +
		stanza("linux-image-6.1.0-56-cloud-amd64-unsigned", "6.1.192-2", "kmod") +
		stanza("linux-image-6.1.0-56-cloud-amd64-dbg", "6.1.192-2", "") +
		stanza("linux-image-6.1.0-56-amd64", "6.1.192-2", "kmod") +
		stanza("linux-image-6.12-cloud-amd64", "6.12.117-1~deb12u1", "linux-image-6.12.117+deb12-cloud-amd64 (= 6.12.117-1~deb12u1)") +
		stanza("linux-image-cloud-amd64", "6.1.192-2", "") +
		stanza("linux-headers-6.1.0-56-cloud-amd64", "6.1.192-2", "") +
		stanza("hello", "2.10-3", "libc6") +
		stanza("linux-image-"+rel, "7.2.13-1", tied("7.2.13-1")) +
		stanza("linux-binary-"+rel, "7.2.13-1", "linux-base-"+rel+" (= 7.2.13-1)") +
		stanza("linux-binary-unsigned-"+rel, "7.2.13-1", "linux-base-"+rel+" (= 7.2.13-1)") +
		stanza("linux-base-"+rel, "7.2.13-1", "") +
		stanza("linux-modules-"+rel, "7.2.13-1", "kmod") +
		stanza("linux-image-7.1.3+deb13-rt-amd64", "7.1.3-1~bpo13+1", "linux-binary-7.1.3+deb13-rt-amd64 (= 7.1.3-1~bpo13+1)") +
		stanza("linux-binary-7.1.3+deb13-rt-amd64", "7.1.3-1~bpo13+1", "")
}

func catalogueOf(t *testing.T, indexes ...string) *Catalogue {
	t.Helper()
	c := &Catalogue{}
	for i, index := range indexes {
		packages, err := ReadPackages(strings.NewReader(index), []string{Main, Security}[i], fmt.Sprint("suite", i))
		if err != nil {
			t.Fatal(err)
		}
		c.add(packages)
	}
	return c
}

func TestKernels(t *testing.T) {
	c := catalogueOf(t, someIndex(), stanza("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2", "kmod"))
	var got []string
	for _, k := range c.Kernels() {
		var names []string
		for _, p := range k.Packages {
			names = append(names, strings.TrimPrefix(p.Name, "linux-"))
		}
		got = append(got, fmt.Sprint(k.Version, " ", k.Flavour, " ", k.Unsigned, " ", names, " lacks ", k.Lacks))
	}
	want := []string{
		"7.2.13-1 cloud-amd64 false [binary-" + rel + " base-" + rel + " modules-" + rel + "] lacks []",
		"7.2.13-1 cloud-amd64 true [binary-unsigned-" + rel + " base-" + rel + " modules-" + rel + "] lacks []",
		"7.1.3-1~bpo13+1 rt-amd64 false [binary-7.1.3+deb13-rt-amd64] lacks [linux-base-7.1.3+deb13-rt-amd64 linux-modules-7.1.3+deb13-rt-amd64]",
		"6.1.192-2 amd64 false [image-6.1.0-56-amd64] lacks []",
		"6.1.192-2 cloud-amd64 false [image-6.1.0-56-cloud-amd64] lacks []",
		"6.1.192-2 cloud-amd64 true [image-6.1.0-56-cloud-amd64-unsigned] lacks []",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kernels are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, p := range c.Packages {
		if places := len(p.At); (places == 2) != (p.Name == "linux-image-6.1.0-56-cloud-amd64") {
			t.Errorf("%s lies in %d places", p.Name, places)
		}
	}
	for _, p := range c.Packages {
		if p.Name == "linux-image-6.1.0-56-cloud-amd64" {
			c.Gone = map[string]bool{p.SHA256: true}
		}
	}
	for _, k := range c.Kernels() {
		if k.Flavour == "cloud-amd64" && k.Version == "6.1.192-2" {
			if !k.Unsigned || len(k.Lacks) > 0 {
				t.Errorf("with the signed package gone the first is %+v, want the unsigned one", k)
			}
			break
		}
	}
}

func TestReadPackagesRefuses(t *testing.T) {
	whole := stanza("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2", "")
	for _, field := range []string{"Version: ", "SHA256: ", "Size: ", "Filename: "} {
		broken := strings.Replace(whole, "\n"+field, "\nX-"+field, 1)
		if _, err := ReadPackages(strings.NewReader(broken), Main, "x"); err == nil {
			t.Errorf("a package without %sis taken", field)
		}
	}
}

func TestSaveCatalogue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.json")
	if c, err := ReadCatalogue(path); c != nil || err != nil {
		t.Errorf("no catalogue reads as %v, %v", c, err)
	}
	c := catalogueOf(t, someIndex())
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadCatalogue(path); err != nil || !reflect.DeepEqual(again.Packages, c.Packages) {
		t.Errorf("it reads as %v, %v", again, err)
	}
	// One that an older krepro wrote lacks what this one looks for.
	if err := os.WriteFile(path, []byte(`{"suites": ["bookworm"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if old, err := ReadCatalogue(path); old != nil || err != nil {
		t.Errorf("a catalogue without a format reads as %v, %v; want none", old, err)
	}
}

func TestSources(t *testing.T) {
	c := catalogueOf(t, someIndex()+stanza("linux-source-5.10", "5.10.218-1", "")+stanza("linux-source-6.1", "6.1.192-2", "")+
		stanza("linux-source-5.10", "5.10.223-1", "")+stanza("linux-source", "6.1.192-2", "linux-source-6.1"))
	c.Gone = map[string]bool{sum("linux-source-6.1" + "6.1.192-2"): true}
	var got []string
	for _, p := range c.Sources() {
		got = append(got, p.Name+" "+p.Version)
	}
	if want := []string{"linux-source-5.10 5.10.223-1", "linux-source-5.10 5.10.218-1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("sources are %v, want %v", got, want)
	}
}

func TestNearest(t *testing.T) {
	var kernels []Kernel
	for _, v := range []string{"7.2.13-1", "6.18.15-1", "6.12.117-1", "6.12.116-1", "6.12.111-1", "6.1.192-2", "5.10.223-1", "5.10.218-1"} {
		kernels = append(kernels, Kernel{Version: v, Flavour: "cloud-amd64"}, Kernel{Version: v, Flavour: "cloud-amd64", Unsigned: true}, Kernel{Version: v, Flavour: "amd64"})
	}
	kernels[3].Lacks, kernels[4].Lacks = []string{"x"}, []string{"x"}
	for _, c := range []struct{ version, want string }{
		{"5.10.219-1", "5.10.218-1 5.10.223-1 6.1.192-2"},
		{"5.10.218-1", "5.10.223-1 6.1.192-2 6.12.111-1"},
		{"6.12.115-1", "6.12.111-1 6.12.116-1 6.12.117-1"},
		{"6.12.118-1", "6.12.117-1 6.12.116-1 6.12.111-1"},
		{"6.19", "6.12.117-1 7.2.13-1 6.12.116-1"},
		{"4.19.1-1", "5.10.218-1 5.10.223-1 6.1.192-2"},
	} {
		var got []string
		for _, k := range Nearest(kernels, c.version, "cloud-amd64") {
			got = append(got, k.Version)
		}
		if s := strings.Join(got[:3], " "); s != c.want {
			t.Errorf("nearest to %s are %s, want %s", c.version, s, c.want)
		}
	}
}

func TestParts(t *testing.T) {
	split := []string{"linux-binary-" + rel, "linux-base-" + rel, "linux-modules-" + rel}
	for _, c := range []struct {
		name, version, depends string
		want                   []string
	}{
		{"linux-image-6.1.0-56-cloud-amd64", "6.1.192-2", "kmod", nil},
		{"linux-image-6.6.6-mine", "6.6.6-1", "", nil},
		{"hello", "1", "", nil},
		{"linux-image-" + rel, "7.2.13-1", tied("7.2.13-1"), split},
		{"linux-modules-" + rel, "7.2.13-1", "kmod", split},
		{"linux-binary-" + rel, "7.2.13-1", "", split},
		{"linux-binary-unsigned-" + rel, "7.2.13-1", "", []string{"linux-binary-unsigned-" + rel, "linux-base-" + rel, "linux-modules-" + rel}},
	} {
		if got := Parts(c.name, c.version, c.depends); !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parts(%s) = %v, want %v", c.name, got, c.want)
		}
	}
}
