package kernels

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// Image is a kernel on disk, ready to boot. Paths are absolute, "" where the
// kernel has no such file; in image.json they are relative to the entry.
type Image struct {
	event.Kernel
	Vmlinuz   string `json:"vmlinuz"`              // the boot image
	Vmlinux   string `json:"vmlinux,omitempty"`    // the ELF file out of it; "" if its packing is not understood
	Config    string `json:"config"`               // build configuration
	SystemMap string `json:"system_map,omitempty"` // a stub in Debian's packages
	Modules   string `json:"modules,omitempty"`    // folder lib/modules/REL; no modules.dep in it
	BTF       string `json:"btf,omitempty"`        // cut BTF: event.KernelTypes and no more
	HasBTF    bool   `json:"has_btf"`              // the kernel was built with BTF
	Size      int64  `json:"size"`                 // bytes of the entry on disk
	// Packages are the files it was made of, with their SHA-256.
	Packages []Origin `json:"packages"`
	// Used is when the entry was last asked for.
	Used time.Time `json:"used,omitzero"`
}

// Origin is a file that an image was made of.
type Origin struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// imageFile is written last into an entry, and its time of change says when the
// entry was last used.
const imageFile = "image.json"

// paths are the image's files, for making them relative or absolute.
func (i *Image) paths() []*string {
	return []*string{&i.Vmlinuz, &i.Vmlinux, &i.Config, &i.SystemMap, &i.Modules, &i.BTF}
}

// load reads the entry in dir; nil if there is none, or none that is whole.
func load(dir string) (*Image, error) {
	file := filepath.Join(dir, imageFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read cache entry: %w", err)
	}
	var img Image
	if json.Unmarshal(text, &img) != nil {
		return nil, nil
	}
	for _, p := range img.paths() {
		if *p == "" {
			continue
		}
		*p = filepath.Join(dir, *p)
		// Empty files are what a machine that lost power leaves behind.
		if info, err := os.Stat(*p); err != nil || info.Size() == 0 {
			return nil, nil
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read cache entry: %w", err)
	}
	img.Used = info.ModTime()
	return &img, nil
}

// save writes image.json; the paths in img are relative to dir.
func (i *Image) save(dir string) error {
	text, err := json.MarshalIndent(i, "", "\t")
	if err != nil {
		return fmt.Errorf("encode image: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, imageFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write cache entry: %w", err)
	}
	return nil
}

// sizeOf adds up the files below dir.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	return size, nil
}
