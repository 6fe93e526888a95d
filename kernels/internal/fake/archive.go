package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Deb makes a package of files (path to content) with dpkg-deb and returns it.
func Deb(t testing.TB, name, version, depends string, files map[string][]byte) []byte {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: none\n", name, version)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	Write(t, filepath.Join(root, "DEBIAN/control"), []byte(control))
	for path, data := range files {
		Write(t, filepath.Join(root, path), data)
	}
	deb := filepath.Join(filepath.Dir(root), "package.deb")
	command(t, nil, "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, deb)
	data, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Kernel is what one fake kernel is made of.
type Kernel struct {
	Version, Release string
	Split            bool
	Omit             string // a package that the archive lacks, "linux-modules" say
}

// Packages makes a kernel's packages, by file name.
func (k Kernel) Packages(t testing.TB) []Package {
	t.Helper()
	banner := fmt.Sprintf("Linux version %s (builder) (gcc) #1 SMP Debian %s (2026-01-01)", k.Release, k.Version)
	boot := Boot(k.Release+" (builder) #1 SMP Debian "+k.Version+" (2026-01-01)", Gzip(t, Vmlinux(banner, BTF(t))))
	config := []byte("CONFIG_BPF_SYSCALL=y\nCONFIG_VETH=m\n")
	if !k.Split {
		return []Package{k.pack(t, "linux-image-"+k.Release, "", map[string][]byte{
			"boot/vmlinuz-" + k.Release: boot, "boot/config-" + k.Release: config, "boot/System.map-" + k.Release: []byte("stub\n"),
			"lib/modules/" + k.Release + "/kernel/drivers/net/veth.ko": []byte("veth of " + k.Version),
			"usr/share/doc/linux-image-" + k.Release + "/copyright":    []byte("none"),
			"usr/share/doc/linux-image-" + k.Release + "/changelog.gz": k.changelog(t),
		})}
	}
	in := "usr/lib/modules/" + k.Release + "/"
	tied := func(name string) string { return fmt.Sprintf("%s-%s (= %s)", name, k.Release, k.Version) }
	all := []Package{
		k.pack(t, "linux-image-"+k.Release, strings.Join([]string{"kmod", tied("linux-base"), tied("linux-binary"), tied("linux-modules")}, ", "), nil),
		k.pack(t, "linux-binary-"+k.Release, tied("linux-base"), map[string][]byte{in + "vmlinuz": boot}),
		k.pack(t, "linux-base-"+k.Release, "", map[string][]byte{in + "config": config, in + "System.map": []byte("stub\n"), in + "modules.order": []byte("x\n"),
			"usr/share/doc/linux-base-" + k.Release + "/changelog.Debian.gz": k.changelog(t)}),
		k.pack(t, "linux-modules-"+k.Release, "kmod", map[string][]byte{in + "kernel/drivers/net/veth.ko": []byte("veth of " + k.Version)}),
	}
	var kept []Package
	for _, p := range all {
		if k.Omit == "" || !strings.HasPrefix(p.Name, k.Omit) {
			kept = append(kept, p)
		}
	}
	return kept
}

// Package is a package file.
type Package struct {
	Name, Version, Depends string
	Data                   []byte
}

// Packages makes it a Source.
func (p Package) Packages(testing.TB) []Package { return []Package{p} }

// Source is what packages of an archive come from: a Kernel, or a Package itself.
type Source interface {
	Packages(testing.TB) []Package
}

// File is its name in a pool.
func (p Package) File() string { return p.Name + "_" + p.Version + "_amd64.deb" }

// changelog names the version.
func (k Kernel) changelog(t testing.TB) []byte {
	t.Helper()
	return Gzip(t, []byte("linux ("+k.Version+") bookworm; urgency=medium\n\n  * Something\n"))
}

func (k Kernel) pack(t testing.TB, name, depends string, files map[string][]byte) Package {
	t.Helper()
	return Package{name, k.Version, depends, Deb(t, name, k.Version, depends, files)}
}

// Archive is a Debian archive in a folder, with one suite, signed by a key made for it.
type Archive struct {
	Dir     string
	Keyring string
	gnupg   string
}

// NewArchive makes an archive whose suite bookworm lists the packages of kernels
// and others.
func NewArchive(t testing.TB, sources ...Source) *Archive {
	t.Helper()
	a := &Archive{Dir: t.TempDir()}
	a.gnupg, a.Keyring = newKey(t)
	var index strings.Builder
	for _, source := range sources {
		for _, p := range source.Packages(t) {
			Write(t, a.Pool(p.File()), p.Data)
			fmt.Fprintf(&index, "Package: %s\nVersion: %s\nArchitecture: amd64\nDepends: %s\nFilename: pool/%s\nSize: %d\nSHA256: %s\nDescription: none\n\n",
				p.Name, p.Version, p.Depends, p.File(), len(p.Data), sum(p.Data))
		}
	}
	const path = "main/binary-amd64/Packages"
	suite := filepath.Join(a.Dir, "dists/bookworm")
	Write(t, filepath.Join(suite, path), []byte(index.String()))
	release := fmt.Sprintf("Origin: Debian\nSuite: oldstable\nCodename: bookworm\nDate: %s\nArchitectures: amd64\nComponents: main\nSHA256:\n %s %d %s\n",
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"), sum([]byte(index.String())), index.Len(), path)
	plain := filepath.Join(t.TempDir(), "Release")
	Write(t, plain, []byte(release))
	command(t, []string{"GNUPGHOME=" + a.gnupg}, "gpg", "--batch", "--clearsign", "--output", filepath.Join(suite, "InRelease"), plain)
	return a
}

// Pool is the path of a package file.
func (a *Archive) Pool(file string) string { return filepath.Join(a.Dir, "pool", file) }

// OtherKeyring is one that does not know the archive's key.
func (a *Archive) OtherKeyring(t testing.TB) string {
	t.Helper()
	_, keyring := newKey(t)
	return keyring
}

// newKey makes a signing key. gpg's agent, which it starts for that, is stopped at the end.
func newKey(t testing.TB) (gnupg, keyring string) {
	t.Helper()
	gnupg, err := os.MkdirTemp("", "gpg") // the agent's socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"GNUPGHOME=" + gnupg}
	t.Cleanup(func() {
		command(t, env, "gpgconf", "--kill", "all")
		os.RemoveAll(gnupg)
	})
	command(t, env, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "archive@example.org", "ed25519", "sign", "never")
	keyring = filepath.Join(t.TempDir(), "keyring.gpg")
	command(t, env, "gpg", "--batch", "--output", keyring, "--export")
	return gnupg, keyring
}

// Write makes a file and its folders.
func Write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func command(t testing.TB, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run %s: %v\n%s", name, err, out)
	}
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
