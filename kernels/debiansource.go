package kernels

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/kernels/source"
)

// debianSource names the repository of a linux-source package, and says how its
// files get there.
func (s *Store) debianSource(ctx context.Context, ref Ref) (name string, take func(repo string) (source.Tree, error), err error) {
	p, err := s.sourcePackage(ctx, ref)
	if err != nil {
		return "", nil, err
	}
	return sourceName(p), func(repo string) (source.Tree, error) {
		if t, ok := source.Imported(ctx, repo); ok {
			return t, nil
		}
		if err := s.importSource(ctx, p, repo); err != nil {
			return source.Tree{}, err
		}
		t, ok := source.Imported(ctx, repo)
		if !ok {
			return t, fmt.Errorf("import %s: nothing came of it", p.Name)
		}
		return t, nil
	}, nil
}

// sourceName names the repository of a source package.
func sourceName(p debian.Package) string {
	return "debian-" + strings.ReplaceAll(p.Version, ":", "_")
}

// sourcePackage finds the newest package for a reference in the catalogue, which
// is renewed if it does not know one, or has to be fetched from anyway.
func (s *Store) sourcePackage(ctx context.Context, ref Ref) (debian.Package, error) {
	c, err := s.Catalogue(ctx, anyAge)
	if err != nil {
		return debian.Package{}, err
	}
	p, ok := matchSource(c, ref.DebianSource)
	if _, err := os.Stat(filepath.Join(s.Dir, sourcesDir, sourceName(p))); ok && err == nil {
		return p, nil
	}
	if c, err = s.Catalogue(ctx, catalogueAge); err != nil && ok {
		s.say("using an old catalogue: %s", err)
		return p, nil
	} else if err != nil {
		return p, err
	}
	if p, ok = matchSource(c, ref.DebianSource); ok {
		return p, nil
	}
	var have []string
	for _, p := range c.Sources() {
		have = append(have, p.Version)
	}
	if len(c.Missing) > 0 {
		return p, fmt.Errorf("no suite that answered lists such a linux-source (not all did); they have %s", strings.Join(have, ", "))
	}
	return p, &RefError{ref.Text, "no suite of Debian lists such a linux-source", "they have " + strings.Join(have, ", ")}
}

// matchSource is the newest source package of a version or line.
func matchSource(c *debian.Catalogue, wanted string) (debian.Package, bool) {
	for _, p := range c.Sources() {
		if p.Version == wanted || debian.OfLine(debian.Upstream(p.Version), wanted) {
			return p, true
		}
	}
	return debian.Package{}, false
}

// importSource fetches a source package and puts the files of the archive in it
// into a repository.
func (s *Store) importSource(ctx context.Context, p debian.Package, repo string) (err error) {
	dir := s.temp(filepath.Base(repo)) // whose lock the caller has
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return fmt.Errorf("import source: %w", err)
	}
	defer os.RemoveAll(dir)
	apt, err := s.apt()
	if err != nil {
		return err
	}
	s.say("fetching %s %s (%d MB)", p.Name, p.Version, (p.Size+500_000)/1_000_000)
	debs, err := apt.Fetch(ctx, dir, []debian.Package{p})
	var gone *debian.GoneError
	if errors.As(err, &gone) {
		if err := s.markGone(ctx, p); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	s.say("unpacking %s %s", p.Name, p.Version)
	return importDeb(ctx, debs[0], repo, p.Name+" "+p.Version)
}

// archiveForm is where a linux-source package has the source.
var archiveForm = regexp.MustCompile(`^usr/src/linux-source-[0-9.]+\.tar\.xz$`)

// importDeb imports the archive in a source package.
func importDeb(ctx context.Context, deb, repo, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, unpackTimeout)
	defer cancel()
	return piped(ctx, nil, func(files io.Reader) error {
		for outer := tar.NewReader(files); ; {
			h, err := outer.Next()
			if errors.Is(err, io.EOF) {
				return errors.New("there is no source in it")
			}
			if err != nil {
				return err
			}
			if !archiveForm.MatchString(path.Clean(h.Name)) {
				continue
			}
			return piped(ctx, outer, func(r io.Reader) error {
				return source.Import(ctx, repo, subject, tar.NewReader(r))
			}, "xz", "--decompress", "--stdout")
		}
	}, "dpkg-deb", "--fsys-tarfile", deb)
}

// piped reads what a program prints, which may be fed with an input.
func piped(ctx context.Context, in io.Reader, read func(io.Reader) error, program string, args ...string) error {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	err = read(out)
	// Unread output would block the program for ever.
	_, _ = io.Copy(io.Discard, out)
	if waitErr := cmd.Wait(); waitErr != nil && err == nil {
		err = fmt.Errorf("run %s: %w: %s", program, waitErr, strings.TrimSpace(stderr.String()))
	}
	return err
}
