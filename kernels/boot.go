package kernels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/krepro/krepro/kernels/bzimage"
)

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
