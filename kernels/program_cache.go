package kernels

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// cachedProgram lists a program's folder by the paths in the guest, and holds it
// until Close; nil if it is not there.
func (s *Store) cachedProgram(dir string) (map[string]string, error) {
	if held, err := s.hold(dir); !held {
		return nil, err
	}
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[strings.TrimPrefix(path, dir)] = path
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list program: %w", err)
	}
	return files, nil
}
