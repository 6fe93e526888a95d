package kernels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Program is a program of Debian that a suite runs in the guest.
type Program struct {
	Path     string   // where it lies in its package and in the guest, /usr/sbin/nginx
	Suite    string   // bookworm
	Packages []string // its package and those of its libraries
}

// Program has a program and the libraries that it is linked with in the cache,
// and returns where: paths in the guest to files here. If they are in the cache,
// it touches no network. The machine's own packages play no part: neither is
// anything installed, nor are libraries taken from it.
func (s *Store) Program(ctx context.Context, p Program) (files map[string]string, err error) {
	dir := filepath.Join(s.Dir, programsDir, p.id())
	if files, err := s.cachedProgram(dir); files != nil || err != nil {
		return files, err
	}
	temp := s.temp(p.id())
	held, err := lock(ctx, temp+".lock", func() { s.say("waiting for the same program, which is being fetched") })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	if files, err := s.cachedProgram(dir); files != nil || err != nil {
		return files, err
	}
	if err := os.RemoveAll(temp); err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	if err := s.unpackProgram(ctx, p, temp); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(filepath.Join(temp, "files"), dir); err != nil {
		return nil, err
	}
	return s.cachedProgram(dir)
}

// programsDir is the folder of programs in the cache: one folder each, laid out
// as the guest is.
const programsDir = "programs"

// id names a program's folder.
func (p Program) id() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{p.Path, p.Suite}, p.Packages...), "\n")))
	return hex.EncodeToString(sum[:])
}

// unpackProgram leaves in dir/files what the guest needs.
func (s *Store) unpackProgram(ctx context.Context, p Program, dir string) error {
	debs, all, files := filepath.Join(dir, "debs"), filepath.Join(dir, "all"), filepath.Join(dir, "files")
	for _, d := range []string{debs, all, files} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	packages, err := s.download(ctx, p, debs)
	if err != nil {
		return err
	}
	for _, deb := range packages {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, all).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, strings.TrimSpace(string(out)))
		}
	}
	root, err := os.OpenRoot(all)
	if err != nil {
		return err
	}
	defer root.Close()
	needed, err := linked(root, p.Path)
	if err != nil {
		return err
	}
	for guest, from := range needed {
		data, err := root.ReadFile(from)
		if err == nil {
			to := filepath.Join(files, guest)
			err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o755))
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", guest, err)
		}
	}
	return nil
}

// download gets the packages. A list from yesterday may name a version that has
// left the pool since: then once more with a fresh one.
func (s *Store) download(ctx context.Context, p Program, dir string) (files []string, err error) {
	apt, err := s.apt()
	if err != nil {
		return nil, err
	}
	for _, age := range []time.Duration{catalogueAge, catalogueFresh} {
		if _, err = s.Catalogue(ctx, age); err != nil {
			return nil, err
		}
		s.say("fetching %s of %s", strings.Join(p.Packages, ", "), p.Suite)
		err = s.withApt(ctx, func() (err error) {
			files, err = apt.Download(ctx, dir, p.Suite, p.Packages)
			return err
		})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return files, err
}
