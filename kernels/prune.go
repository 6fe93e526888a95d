package kernels

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// Pruned says what Prune removed and what it left.
type Pruned struct {
	Removed []*Image `json:"removed"`
	InUse   []*Image `json:"in_use"` // old enough, but a running krepro has it
	Kept    int      `json:"kept"`   // used since
	Bytes   int64    `json:"bytes"`  // freed; programs, build folders and sources included
}

// Images lists the cache's entries, last used first.
func (s *Store) Images() ([]*Image, error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, "images"))
	if err != nil {
		return nil, fmt.Errorf("list kernel cache: %w", err)
	}
	var images []*Image
	for _, e := range entries {
		img, err := load(s.entry(e.Name()))
		if err != nil {
			return nil, err
		}
		if img != nil {
			images = append(images, img)
		}
	}
	slices.SortFunc(images, func(a, b *Image) int { return b.Used.Compare(a.Used) })
	return images, nil
}

// Prune removes entries that were not used for a time (0: all), programs, build
// folders and sources among them, and what dead processes left. dry only says
// what it would do.
func (s *Store) Prune(unused time.Duration, dry bool) (*Pruned, error) {
	images, err := s.Images()
	if err != nil {
		return nil, err
	}
	if !dry {
		if err := s.sweep(); err != nil {
			return nil, err
		}
	}
	p := &Pruned{}
	for _, img := range images {
		if time.Since(img.Used) < unused {
			p.Kept++
			continue
		}
		removed, err := s.remove(img.ID, dry)
		if err != nil {
			return p, err
		}
		if !removed {
			p.InUse = append(p.InUse, img)
			continue
		}
		p.Removed = append(p.Removed, img)
		p.Bytes += img.Size
	}
	for _, sub := range []string{programsDir, treesDir, sourcesDir} {
		bytes, err := s.pruneFolders(sub, unused, dry)
		p.Bytes += bytes
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

// remove takes an entry away; false if it is in use. It vanishes by one rename
// to where the sweep finds it if this process dies meanwhile.
func (s *Store) remove(id string, dry bool) (removed bool, err error) {
	use := flock.New(filepath.Join(s.entry(id), imageFile), flock.SetFlag(os.O_RDONLY))
	locked, err := use.TryLock()
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil || !locked {
		return false, err
	}
	defer func() { err = errors.Join(err, use.Unlock()) }()
	if dry {
		return true, nil
	}
	held, err := tryLock(s.temp(id) + ".lock")
	if err != nil || held == nil {
		return false, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	if err := os.Rename(s.entry(id), s.temp(id)); err != nil {
		return false, fmt.Errorf("remove cache entry: %w", err)
	}
	if err := os.RemoveAll(s.temp(id)); err != nil {
		return false, fmt.Errorf("remove cache entry: %w", err)
	}
	return true, nil
}

// pruneFolders removes the folders below a part of the cache that were not used
// for a time, but for those that a running krepro has, and returns their size in
// bytes.
func (s *Store) pruneFolders(sub string, unused time.Duration, dry bool) (bytes int64, err error) {
	dirs, err := filepath.Glob(filepath.Join(s.Dir, sub, "*"))
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", sub, err)
	}
	for _, dir := range dirs {
		st, err := os.Stat(dir)
		if err != nil {
			return bytes, fmt.Errorf("look at %s: %w", dir, err)
		}
		if !st.IsDir() || time.Since(st.ModTime()) < unused {
			continue
		}
		n, err := s.removeFolder(dir, dry)
		if err != nil {
			return bytes, err
		}
		bytes += n
	}
	return bytes, nil
}

// removeFolder takes a folder away; 0 bytes if it is in use. It
// vanishes by one rename to where the sweep finds it if this process dies meanwhile.
func (s *Store) removeFolder(dir string, dry bool) (bytes int64, err error) {
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
		return 0, fmt.Errorf("remove %s: %w", filepath.Base(dir), err)
	}
	return bytes, nil
}
