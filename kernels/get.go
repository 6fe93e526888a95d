package kernels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/krepro/krepro/kernels/debian"
)

// layout is part of every id: it changes when entries are made differently.
const layout = "krepro image 1"

// nearestTried bounds how many kernels are asked for when one is gone.
const nearestTried = 5

// Get returns the kernel that a reference names, from the cache if it is there;
// then it touches no network. *RefError, *UnavailableError, *BuildError.
func (s *Store) Get(ctx context.Context, ref Ref) (*Image, error) {
	get := s.getDebian
	switch {
	case ref.Path != "":
		get = s.getFile
	case ref.Built():
		get = s.getBuilt
	}
	img, err := get(ctx, ref)
	var wrong *RefError
	var unavailable *UnavailableError
	var unbuildable *BuildError
	switch {
	case err == nil:
		img.Ref = ref.Text
		return img, nil
	case errors.As(err, &wrong), errors.As(err, &unavailable), errors.As(err, &unbuildable):
		return nil, err
	}
	return nil, &UnavailableError{Ref: ref.Text, Err: err}
}

// getDebian looks in the lock file first, then in the catalogue. What the lock
// file pins is accepted with the pinned content alone, wherever it now lies.
func (s *Store) getDebian(ctx context.Context, ref Ref) (*Image, error) {
	if pin := s.pinned(ref); pin != nil {
		img, err := s.build(ctx, *pin)
		var gone *debian.GoneError
		if !errors.As(err, &gone) {
			return img, err
		}
		return s.search(ctx, ref, catalogueFresh, pin)
	}
	c, err := s.Catalogue(ctx, anyAge)
	if err != nil {
		return nil, err
	}
	if k := complete(match(c.Kernels(), ref)); k != nil {
		if img, err := s.cached(kernelID(*k)); img != nil || err != nil {
			return img, err
		}
	}
	return s.search(ctx, ref, catalogueAge, nil)
}

// search fetches the best build that the catalogue has for a reference; with a
// pin, that build alone. A build that is gone from the pool is noted, and the
// next one taken: another signature of the same version, or an older one of the
// line.
func (s *Store) search(ctx context.Context, ref Ref, maxAge time.Duration, pin *debian.Kernel) (*Image, error) {
	c, err := s.recentCatalogue(ctx, maxAge)
	if err != nil {
		return nil, err
	}
	for {
		k := complete(slices.DeleteFunc(match(c.Kernels(), ref), func(k debian.Kernel) bool {
			return pin != nil && kernelID(k) != kernelID(*pin)
		}))
		if k == nil {
			return nil, s.explain(ctx, ref, c, pin)
		}
		img, err := s.build(ctx, *k)
		var gone *debian.GoneError
		if !errors.As(err, &gone) {
			return img, err
		}
		s.say("%s", err)
		if err := s.markGone(ctx, gone.Package); err != nil {
			return nil, err
		}
		if c, err = s.Catalogue(ctx, anyAge); err != nil {
			return nil, err
		}
	}
}

// build returns the entry of a build, made from its packages if it is not there.
func (s *Store) build(ctx context.Context, k debian.Kernel) (*Image, error) {
	id := kernelID(k)
	if img, err := s.cached(id); img != nil || err != nil {
		return img, err
	}
	return s.fill(ctx, id, func(dir string) (*Image, error) {
		apt, err := s.apt()
		if err != nil {
			return nil, err
		}
		s.say("fetching %s (%d MB)", kernelName(k), (size(k)+500_000)/1_000_000)
		debs, err := apt.Fetch(ctx, dir, k.Packages)
		if err != nil {
			return nil, err
		}
		s.say("unpacking %s", kernelName(k))
		img := &Image{Packages: origins(k)}
		img.Source, img.Name, img.Package, img.Flavour = "debian", kernelName(k), k.Version, k.Flavour
		img.Version = debian.Upstream(k.Version)
		if err := img.unpack(ctx, dir, debs); err != nil {
			return nil, err
		}
		if img.Release != k.Release {
			return nil, fmt.Errorf("unpack %s: the image is of release %s, not %s", k.Packages[0].Name, img.Release, k.Release)
		}
		return img, nil
	})
}

// explain says why the catalogue has nothing for a reference, and what is near.
func (s *Store) explain(ctx context.Context, ref Ref, c *debian.Catalogue, pin *debian.Kernel) error {
	found := match(c.Kernels(), ref)
	near := s.nearest(ctx, debian.Nearest(c.Kernels(), ref.Version+ref.Line+ref.Release, ref.Flavour))
	reason := "no suite that answered lists it (not all did)"
	switch {
	case pin != nil:
		reason = "the pool does not have what kernels.lock pins for it"
	case len(found) > 0:
		reason = fmt.Sprintf("%s stands in the index, but %s cannot be had", found[0].Version, strings.Join(found[0].Lacks, ", "))
	case len(c.Missing) == 0:
		wrong := &RefError{Ref: ref.Text, Reason: "no suite of Debian lists such a kernel"}
		if near != "" {
			wrong.Hint = "the nearest that can be had is " + near
		}
		return wrong
	}
	return &UnavailableError{Ref: ref.Text, Err: errors.New(reason), Nearest: near, Gone: pin != nil || len(found) > 0}
}

// nearest is a reference to the first build that the pool has.
func (s *Store) nearest(ctx context.Context, candidates []debian.Kernel) string {
	apt, err := s.apt()
	if err != nil {
		return ""
	}
	for _, k := range candidates[:min(len(candidates), nearestTried)] {
		if has, err := apt.Mirrors.Have(ctx, k); has && err == nil { // advice alone
			return refText(k)
		}
	}
	return ""
}

// kernelID is the id of the entry made from a build's packages.
func kernelID(k debian.Kernel) string { return idOf(origins(k)) }

func idOf(files []Origin) string {
	sums := make([]string, len(files))
	for i, f := range files {
		sums[i] = f.SHA256
	}
	slices.Sort(sums)
	sum := sha256.Sum256([]byte(layout + "\n" + strings.Join(sums, "\n")))
	return hex.EncodeToString(sum[:])
}

func origins(k debian.Kernel) []Origin {
	var files []Origin
	for _, p := range k.Packages {
		files = append(files, Origin{Name: p.Name + "_" + p.Version, SHA256: p.SHA256})
	}
	return files
}

// kernelName is exact and safe as a file name: of what a version may contain,
// ":" alone is not.
func kernelName(k debian.Kernel) string {
	name := "debian-" + strings.ReplaceAll(k.Version, ":", "_") + "-" + k.Flavour
	if k.Unsigned {
		name += "-unsigned"
	}
	return name
}

func size(k debian.Kernel) (n int64) {
	for _, p := range k.Packages {
		n += p.Size
	}
	return n
}
