package kernels

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/kernels/internal/fake"
)

func needDpkg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is needed to make packages")
	}
}

// unpackedTree puts a kernel's files below a root, as its packages would.
func unpackedTree(t *testing.T, k fake.Kernel) string {
	t.Helper()
	root := t.TempDir()
	for _, p := range k.Packages(t) {
		deb := filepath.Join(t.TempDir(), p.File())
		fake.Write(t, deb, p.Data)
		if out, err := exec.Command("dpkg-deb", "--extract", deb, root).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v: %s", err, out)
		}
	}
	return root
}

func TestGetDeb(t *testing.T) {
	needDpkg(t)
	for name, k := range map[string]fake.Kernel{"single": single, "split": split} {
		t.Run(name, func(t *testing.T) {
			s := emptyStore(t)
			dir := t.TempDir()
			packages := k.Packages(t)
			for _, p := range packages {
				fake.Write(t, filepath.Join(dir, p.File()), p.Data)
			}
			path := filepath.Join(dir, packages[0].File())
			img := mustGet(t, s, path)
			checkImage(t, img)
			if img.Source != "file" || img.Package != k.Version || img.Flavour != "cloud-amd64" || !strings.HasPrefix(img.Name, "file-"+k.Release+"-") {
				t.Errorf("image is %+v", img.Kernel)
			}
			if again := mustGet(t, s, path); again.ID != img.ID {
				t.Errorf("the same file gives %s and %s", img.ID, again.ID)
			}
			for _, p := range packages {
				if _, err := os.Stat(filepath.Join(dir, p.File())); err != nil {
					t.Errorf("the user's file is gone: %v", err)
				}
			}
			checkEmpty(t, s)
		})
	}
}

func TestGetDebRefuses(t *testing.T) {
	needDpkg(t)
	s, dir := emptyStore(t), t.TempDir()
	part := split.Packages(t)[0]
	alone := filepath.Join(dir, part.File())
	fake.Write(t, alone, part.Data)
	broken := filepath.Join(dir, "broken.deb")
	fake.Write(t, broken, []byte("no package"))
	other := filepath.Join(dir, "other.deb")
	fake.Write(t, other, fake.Deb(t, "hello", "1.0-1", "", map[string][]byte{"usr/bin/hello": []byte("x")}))
	for path, says := range map[string]string{
		alone:  "put linux-binary-" + split.Release + "_" + split.Version + "_*.deb beside it",
		broken: "name a linux-image package",
		other:  "there is no kernel in it",
	} {
		if _, err := get(s, path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error is %v, want %q in it", filepath.Base(path), err, says)
		}
	}
	checkEmpty(t, s)
}

func TestGetBootImage(t *testing.T) {
	needDpkg(t)
	for name, c := range map[string]struct {
		kernel fake.Kernel
		path   string
	}{
		"in /boot":               {single, "boot/vmlinuz-" + single.Release},
		"in the modules' folder": {split, "usr/lib/modules/" + split.Release + "/vmlinuz"},
	} {
		t.Run(name, func(t *testing.T) {
			s, root := emptyStore(t), unpackedTree(t, c.kernel)
			path := filepath.Join(root, c.path)
			img := mustGet(t, s, path)
			checkImage(t, img)
			if img.Package != c.kernel.Version || !strings.HasPrefix(img.Modules, root) {
				t.Errorf("package %s, modules in %s", img.Package, img.Modules)
			}
			veth := filepath.Join(img.Modules, "kernel/drivers/net/veth.ko")
			if err := os.Chtimes(veth, time.Time{}, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if again := mustGet(t, s, path); again.ID == img.ID {
				t.Error("a changed module makes no other image")
			}
		})
	}
}

func TestGetBootImageByFields(t *testing.T) {
	needDpkg(t)
	s, root := emptyStore(t), unpackedTree(t, single)
	path := filepath.Join(t.TempDir(), "bzImage")
	if err := os.Rename(filepath.Join(root, "boot/vmlinuz-"+single.Release), path); err != nil {
		t.Fatal(err)
	}
	_, err := get(s, path)
	var wrong *RefError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "there is no config-"+single.Release+" beside it") {
		t.Errorf("error is %v, want one about the configuration", err)
	}
	ref, err := ParseRef(path)
	if err != nil {
		t.Fatal(err)
	}
	ref.Config = filepath.Join(root, "boot/config-"+single.Release)
	img, err := s.Get(t.Context(), ref)
	if err != nil || img.Modules != "" || img.SystemMap != "" {
		t.Errorf("image %+v, %v; want one without modules", img, err)
	}
	ref.Modules = filepath.Join(root, "no/such")
	if _, err := s.Get(t.Context(), ref); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "modules folder") {
		t.Errorf("error is %v, want one about the modules folder", err)
	}
}

// A kernel whose packing is not understood boots from its boot image.
func TestGetBootImageUnknownPacking(t *testing.T) {
	s, dir := emptyStore(t), t.TempDir()
	path := filepath.Join(dir, "bzImage")
	fake.Write(t, path, fake.Boot("6.6.6-rc1-mine (me) #1", []byte("\x89LZO\x00\r\n\x1a\n0123456789")))
	fake.Write(t, filepath.Join(dir, "config"), []byte("CONFIG_NET=y\n"))
	img := mustGet(t, s, path)
	if img.Vmlinux != "" || img.HasBTF || img.BTF != "" || img.Release != "6.6.6-rc1-mine" || img.Version != "6.6.6-rc1" {
		t.Errorf("image is %+v", img)
	}
	fake.Write(t, path, []byte("text"))
	var wrong *RefError
	if _, err := get(s, path); !errors.As(err, &wrong) {
		t.Errorf("error is %v, want a RefError", err)
	}
}
