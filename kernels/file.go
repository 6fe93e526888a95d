package kernels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/krepro/krepro/kernels/bzimage"
	"github.com/krepro/krepro/kernels/debian"
)

// getFile makes an image of a file: a .deb, or a boot image.
func (s *Store) getFile(ctx context.Context, ref Ref) (*Image, error) {
	if strings.HasSuffix(ref.Path, ".deb") {
		return s.getDeb(ctx, ref)
	}
	return s.getBoot(ctx, ref)
}

// getDeb makes an image of a package file and, if it is part of a split kernel,
// of the other parts beside it.
func (s *Store) getDeb(ctx context.Context, ref Ref) (*Image, error) {
	debs, err := parts(ctx, ref)
	if err != nil {
		return nil, err
	}
	var files []Origin
	for _, deb := range debs {
		sum, err := hashFile(deb)
		if err != nil {
			return nil, err
		}
		files = append(files, Origin{Name: filepath.Base(deb), SHA256: sum})
	}
	id := idOf(files)
	if img, err := s.cached(id); img != nil || err != nil {
		return img, err
	}
	return s.fill(ctx, id, func(dir string) (*Image, error) {
		s.say("unpacking %s", ref.Path)
		img := &Image{Packages: files}
		err := img.unpack(ctx, dir, debs)
		if errors.Is(err, errNoKernel) {
			return nil, &RefError{ref.Text, errNoKernel.Error(), "name a linux-image package"}
		}
		if err != nil {
			return nil, err
		}
		img.name(id)
		return img, nil
	})
}

// parts lists the package files that make the kernel of a .deb.
func parts(ctx context.Context, ref Ref) ([]string, error) {
	given, err := control(ctx, ref.Path)
	if err != nil {
		return nil, &RefError{ref.Text, err.Error(), "name a linux-image package"}
	}
	names := debian.Parts(given["package"], given["version"], given["depends"])
	if names == nil {
		return []string{ref.Path}, nil
	}
	var files []string
	for _, name := range names {
		pattern := name + "_" + given["version"] + "_*.deb"
		found, err := filepath.Glob(filepath.Join(filepath.Dir(ref.Path), pattern))
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", pattern, err)
		}
		if len(found) == 0 {
			return nil, &RefError{ref.Text, "this is one part of a kernel that is split into several packages", "put " + pattern + " beside it"}
		}
		files = append(files, found[0])
	}
	return files, nil
}

// control reads a package's control fields, names in lower case.
func control(ctx context.Context, deb string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, unpackTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--field", deb)
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("read package: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return debian.ParseControl(bytes.NewReader(text)), nil
}

// getBoot makes an image of a boot image. Its modules stay where they are; what
// identifies them is name, size and time of change of each.
func (s *Store) getBoot(ctx context.Context, ref Ref) (*Image, error) {
	data, err := os.ReadFile(ref.Path)
	if err != nil {
		return nil, &RefError{ref.Text, "the file cannot be read: " + errno(err), "check the path"}
	}
	boot, err := bzimage.Parse(data)
	if err != nil {
		return nil, &RefError{ref.Text, err.Error(), "name a vmlinuz, a bzImage or a .deb"}
	}
	b, err := findBeside(ref, boot.Release())
	if err != nil {
		return nil, err
	}
	files, err := b.origins(ref.Path)
	if err != nil {
		return nil, err
	}
	id := idOf(files)
	img, err := s.cached(id)
	if img == nil && err == nil {
		img, err = s.fill(ctx, id, func(dir string) (*Image, error) {
			s.say("examining %s", ref.Path)
			return b.image(ctx, ref.Path, dir, id, files)
		})
	}
	if err != nil {
		return nil, err
	}
	img.Modules = b.modules
	return img, nil
}

// beside are the files that go with a boot image, absolute; "" if there are none.
type beside struct{ config, systemMap, modules string }

// findBeside looks where /boot, a split package, a folder of its own and a
// kernel tree have them. A configuration is needed: without it nobody can tell
// whether the suites can run.
func findBeside(ref Ref, release string) (beside, error) {
	dir, err := filepath.Abs(filepath.Dir(ref.Path))
	if err != nil {
		return beside{}, fmt.Errorf("find kernel files: %w", err)
	}
	tree := filepath.Join(dir, "../../..") // of arch/x86/boot
	b := beside{
		config:    first(ref.Config, dir+"/config-"+release, dir+"/config", tree+"/.config"),
		systemMap: first(ref.SystemMap, dir+"/System.map-"+release, dir+"/System.map", tree+"/System.map"),
		modules: first(ref.Modules, filepath.Join(dir, "../lib/modules", release), filepath.Join(dir, "lib/modules", release),
			dir+"/modules", onlyIf(filepath.Base(dir) == release, dir)),
	}
	for flag, path := range map[string]string{"config": ref.Config, "System.map": ref.SystemMap, "modules folder": ref.Modules} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return b, &RefError{ref.Text, fmt.Sprintf("its %s %s cannot be read: %s", flag, path, errno(err)), "check the path"}
		}
	}
	if b.config == "" {
		return b, &RefError{ref.Text, "there is no config-" + release + " beside it", "name its configuration"}
	}
	if b.modules != "" {
		if b.modules, err = filepath.Abs(b.modules); err != nil {
			return b, fmt.Errorf("find kernel files: %w", err)
		}
	}
	return b, nil
}

// first is the first path that exists; one that was given counts as it is.
func first(given string, candidates ...string) string {
	if given != "" {
		return given
	}
	for _, c := range candidates {
		if _, err := os.Stat(c); err == nil && c != "" {
			return c
		}
	}
	return ""
}

func onlyIf(cond bool, s string) string {
	if cond {
		return s
	}
	return ""
}

// origins identifies the files.
func (b beside) origins(boot string) ([]Origin, error) {
	var files []Origin
	for _, name := range []string{boot, b.config, b.systemMap} {
		if name == "" {
			continue
		}
		sum, err := hashFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, Origin{Name: filepath.Base(name), SHA256: sum})
	}
	if b.modules == "" {
		return files, nil
	}
	h := sha256.New()
	err := filepath.WalkDir(b.modules, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintf(h, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	return append(files, Origin{Name: "modules", SHA256: hex.EncodeToString(h.Sum(nil))}), nil
}

// image makes the entry: copies, and what examine finds.
func (b beside) image(ctx context.Context, boot, dir, id string, files []Origin) (*Image, error) {
	img := &Image{Packages: files, Vmlinuz: "vmlinuz", Config: "config", SystemMap: onlyIf(b.systemMap != "", "System.map")}
	for from, to := range map[string]string{boot: "vmlinuz", b.config: "config", b.systemMap: "System.map"} {
		if from == "" {
			continue
		}
		if err := copyFile(from, filepath.Join(dir, to)); err != nil {
			return nil, err
		}
	}
	if err := img.examine(ctx, dir); err != nil {
		return nil, err
	}
	img.name(id)
	return img, nil
}

var (
	debianBuild  = regexp.MustCompile(`Debian (\d\S*-\S+)`)
	upstreamForm = regexp.MustCompile(`^\d+\.\d+(\.\d+)?(-rc\d+)?`)
)

// name sets what identifies a kernel that came as a file. Releases of Debian do
// not tell the version (5.10.0-30), their banner does.
func (i *Image) name(id string) {
	i.Source = "file"
	i.Name = fmt.Sprintf("file-%s-%s", i.Release, id[:8])
	i.Version = upstreamForm.FindString(i.Release)
	i.Flavour = flavourOf(i.Release)
	if m := debianBuild.FindStringSubmatch(i.Banner); m != nil {
		i.Package, i.Version = m[1], debian.Upstream(m[1])
	}
}

func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	defer f.Close()
	if err := writeFile(to, f); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
