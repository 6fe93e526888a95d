package kernels

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/bzimage"
	"github.com/krepro/krepro/kernels/cutbtf"
)

// unpackTimeout is far above the second or two that a package takes.
const unpackTimeout = 10 * time.Minute

// errNoKernel says that packages hold no boot image.
var errNoKernel = errors.New("there is no kernel in it")

// unpack fills the entry in dir from package files, removes them, and sets what
// the files tell of the kernel.
func (i *Image) unpack(ctx context.Context, dir string, debs []string) error {
	ctx, cancel := context.WithTimeout(ctx, unpackTimeout)
	defer cancel()
	for _, deb := range debs {
		if err := unpackDeb(ctx, deb, dir); err != nil {
			return err
		}
		if filepath.Dir(deb) == dir {
			if err := os.Remove(deb); err != nil {
				return fmt.Errorf("remove package file: %w", err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "vmlinuz")); err != nil {
		return fmt.Errorf("unpack kernel: %w", errNoKernel)
	}
	i.Vmlinuz, i.Config = "vmlinuz", "config"
	if _, err := os.Stat(filepath.Join(dir, "System.map")); err == nil {
		i.SystemMap = "System.map"
	}
	if err := i.examine(ctx, dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
		return fmt.Errorf("unpack kernel: no configuration in the packages: %w", err)
	}
	i.Modules = path.Join("lib/modules", i.Release)
	if _, err := os.Stat(filepath.Join(dir, i.Modules)); err != nil {
		return fmt.Errorf("unpack kernel: no modules in the packages: %w", err)
	}
	return nil
}

// unpackDeb unpacks what place keeps of a package.
func unpackDeb(ctx context.Context, deb, dir string) error {
	return readDeb(ctx, deb, func(name string, r io.Reader) error {
		to, ok := place(name)
		if !ok {
			return nil
		}
		return writeFile(filepath.Join(dir, to), r)
	})
}

// readDeb shows each file of a package to take.
func readDeb(ctx context.Context, deb string, take func(name string, r io.Reader) error) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("unpack %s: %w; debian packages are unpacked by dpkg-deb (package dpkg)", filepath.Base(deb), err)
	}
	err = untar(out, take)
	// Unread output would block dpkg-deb for ever.
	_, _ = io.Copy(io.Discard, out)
	if waitErr := cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("dpkg-deb: %w: %s", waitErr, bytes.TrimSpace(stderr.Bytes())))
	}
	if err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
	}
	return nil
}

func untar(r io.Reader, take func(name string, r io.Reader) error) error {
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := take(h.Name, archive); err != nil {
			return err
		}
	}
}

func writeFile(name string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// place says where a file of a kernel package goes in an entry. Image,
// configuration and symbols lie in /boot with the release in their names, or
// (split kernels) in the modules folder.
func place(name string) (to string, ok bool) {
	name = path.Clean("/" + name)[1:]
	if dir, file := path.Split(name); dir == "boot/" {
		for _, kind := range []string{"vmlinuz", "config", "System.map"} {
			if strings.HasPrefix(file, kind+"-") {
				return kind, true
			}
		}
		return "", false
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "usr/"), "lib/modules/")
	if !ok {
		return "", false
	}
	switch release, file, _ := strings.Cut(rest, "/"); {
	case release == "" || file == "":
		return "", false
	case file == "vmlinuz" || file == "config" || file == "System.map":
		return file, true
	case file == "vmlinuz.unsigned":
		return "vmlinuz", true
	}
	return "lib/modules/" + rest, true
}

// examine reads the boot image: release, banner, the ELF file in it, and the
// BTF in that. A packing that is not understood leaves Vmlinux and BTF empty.
func (i *Image) examine(ctx context.Context, dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "vmlinuz"))
	if err != nil {
		return fmt.Errorf("read boot image: %w", err)
	}
	boot, err := bzimage.Parse(data)
	if err != nil {
		return err
	}
	if i.Release = boot.Release(); i.Release == "" || strings.ContainsAny(i.Release, "/\x00") {
		return fmt.Errorf("read boot image: no release in its version %q", boot.Version)
	}
	vmlinux, err := boot.Unpack(ctx)
	if errors.Is(err, bzimage.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	i.Vmlinux, i.Banner = "vmlinux", banner(vmlinux)
	if err := os.WriteFile(filepath.Join(dir, "vmlinux"), vmlinux, 0o644); err != nil {
		return fmt.Errorf("write vmlinux: %w", err)
	}
	raw, err := btfSection(bytes.NewReader(vmlinux))
	if err != nil || raw == nil {
		return err
	}
	i.HasBTF = true
	return writeCut(raw, filepath.Join(dir, btfName()))
}

// bannerForm is linux_banner; the kernel has it twice, once as a format with %s.
var bannerForm = regexp.MustCompile(`Linux version [0-9][^\n\x00%]+`)

func banner(vmlinux []byte) string { return string(bannerForm.Find(vmlinux)) }

// btfSection is the kernel's BTF; nil if it was built without.
func btfSection(r io.ReaderAt) ([]byte, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	section := f.Section(".BTF")
	if section == nil {
		return nil, nil
	}
	raw, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	return raw, nil
}

// btfName is the cut BTF's file name. Which structs are cut, and how, is in it,
// so that a newer krepro does not take an older one's.
func btfName() string {
	sum := sha256.Sum256([]byte(cutbtf.Version + " " + strings.Join(event.KernelTypes, " ")))
	return "kernel-" + hex.EncodeToString(sum[:4]) + ".btf"
}

// cutFrom cuts the BTF of an entry that has it whole only.
func cutFrom(vmlinux, to string) error {
	f, err := os.Open(vmlinux)
	if err != nil {
		return fmt.Errorf("cut btf: %w", err)
	}
	defer f.Close()
	raw, err := btfSection(f)
	if err != nil {
		return err
	}
	if raw == nil {
		return fmt.Errorf("cut btf: %s has none", vmlinux)
	}
	return writeCut(raw, to)
}

func writeCut(raw []byte, to string) error {
	cut, err := cutbtf.Cut(bytes.NewReader(raw), event.KernelTypes)
	if err != nil {
		return err
	}
	return replace(to, cut)
}
