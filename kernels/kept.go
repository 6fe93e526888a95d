package kernels

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Kept is the path of a file in the image's cache entry that holds what was
// found out about the kernel. It is pruned with the kernel.
func (i *Image) Kept(name string) string { return filepath.Join(filepath.Dir(i.Vmlinuz), name) }

// Keep writes such a file.
func (i *Image) Keep(name string, data []byte) error { return replace(i.Kept(name), data) }

// replace writes a file that becomes visible by a rename: the entry may be in
// use, and another process may be writing the same file.
func replace(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
