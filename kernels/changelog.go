package kernels

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/krepro/krepro/kernels/debian"
)

// changelogFile is the name under which an image keeps its package's changelog.
const changelogFile = "changelog.gz"

// changelogForm is where a kernel package has its changelog.
var changelogForm = regexp.MustCompile(`^(?:\./|/)?usr/share/doc/[^/]+/changelog(\.Debian)?\.gz$`)

// Changelog is the changelog of a Debian kernel, newest version first. Its
// package is fetched for it once.
func (s *Store) Changelog(ctx context.Context, img *Image) (string, error) {
	packed, err := os.ReadFile(img.Kept(changelogFile))
	if errors.Is(err, os.ErrNotExist) {
		if packed, err = s.fetchChangelog(ctx, img); err == nil {
			err = img.Keep(changelogFile, packed)
		}
	}
	if err != nil {
		return "", fmt.Errorf("get changelog of %s: %w", img.Name, err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", fmt.Errorf("read changelog of %s: %w", img.Name, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("read changelog of %s: %w", img.Name, err)
	}
	return string(text), nil
}

// fetchChangelog takes the changelog out of the first of the image's packages
// that has one.
func (s *Store) fetchChangelog(ctx context.Context, img *Image) (packed []byte, err error) {
	k, err := s.listed(ctx, img.ID)
	if err != nil {
		return nil, err
	}
	apt, err := s.apt()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "krepro-changelog-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, p := range k.Packages {
		s.say("fetching %s for its changelog (%d MB)", p.Name, (p.Size+500_000)/1_000_000)
		debs, err := apt.Fetch(ctx, dir, []debian.Package{p})
		if err != nil {
			return nil, err
		}
		err = readDeb(ctx, debs[0], func(name string, r io.Reader) (err error) {
			if changelogForm.MatchString(name) {
				packed, err = io.ReadAll(r)
			}
			return err
		})
		if err != nil || packed != nil {
			return packed, err
		}
	}
	return nil, errors.New("there is none in its packages")
}

// listed finds the build of an image in the lock file or the catalogue.
func (s *Store) listed(ctx context.Context, id string) (debian.Kernel, error) {
	for _, k := range s.pins {
		if kernelID(k) == id {
			return k, nil
		}
	}
	c, err := s.Catalogue(ctx, anyAge)
	if err != nil {
		return debian.Kernel{}, err
	}
	for _, k := range c.Kernels() {
		if len(k.Lacks) == 0 && kernelID(k) == id {
			return k, nil
		}
	}
	return debian.Kernel{}, errors.New("the archives no longer list it")
}
