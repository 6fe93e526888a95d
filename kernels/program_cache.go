package kernels

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
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

// prunePrograms removes programs that were not used for a time, but for those
// that a running krepro has, and returns their size in bytes.
func (s *Store) prunePrograms(unused time.Duration, dry bool) (bytes int64, err error) {
	dirs, err := filepath.Glob(filepath.Join(s.Dir, programsDir, "*"))
	if err != nil {
		return 0, fmt.Errorf("list programs: %w", err)
	}
	for _, dir := range dirs {
		st, err := os.Stat(dir)
		if err != nil {
			return bytes, fmt.Errorf("look at program: %w", err)
		}
		if time.Since(st.ModTime()) < unused {
			continue
		}
		n, err := s.removeProgram(dir, dry)
		if err != nil {
			return bytes, err
		}
		bytes += n
	}
	return bytes, nil
}

// removeProgram takes a program's folder away; 0 bytes if it is in use. It
// vanishes by one rename to where the sweep finds it if this process dies meanwhile.
func (s *Store) removeProgram(dir string, dry bool) (bytes int64, err error) {
	use := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	locked, err := use.TryLock()
	if err != nil || !locked {
		return 0, err
	}
	defer func() { err = errors.Join(err, use.Unlock()) }()
	if bytes, err = sizeOf(dir); err != nil || dry {
		return bytes, err
	}
	temp := s.temp(filepath.Base(dir))
	if err := errors.Join(os.Rename(dir, temp), os.RemoveAll(temp)); err != nil {
		return 0, fmt.Errorf("remove program: %w", err)
	}
	return bytes, nil
}
