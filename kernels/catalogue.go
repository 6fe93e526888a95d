package kernels

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/krepro/krepro/kernels/debian"
)

// Catalogue is what Debian's signed indexes say of kernels, at most maxAge old;
// 0 asks anew.
func (s *Store) Catalogue(ctx context.Context, maxAge time.Duration) (*debian.Catalogue, error) {
	asked := time.Now()
	recent := func(c *debian.Catalogue) bool {
		// One that another process made while this one waited is new enough.
		return c != nil && (asked.Sub(c.Updated) <= maxAge && maxAge > 0 || c.Updated.After(asked))
	}
	if c, err := debian.ReadCatalogue(s.cataloguePath()); err != nil || recent(c) {
		return c, err
	}
	var c *debian.Catalogue
	err := s.withApt(ctx, func() (err error) {
		if c, err = debian.ReadCatalogue(s.cataloguePath()); err != nil || recent(c) {
			return err
		}
		apt, err := s.apt()
		if err != nil {
			return err
		}
		s.say("updating the catalogue of Debian kernels")
		if c, err = apt.Update(ctx); err != nil {
			return err
		}
		for _, suite := range slices.Sorted(maps.Keys(c.Missing)) {
			s.say("suite %s did not answer: %s", suite, c.Missing[suite])
		}
		return c.Save(s.cataloguePath())
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// recentCatalogue is Catalogue, or the old one if that cannot be renewed.
func (s *Store) recentCatalogue(ctx context.Context, maxAge time.Duration) (*debian.Catalogue, error) {
	c, err := s.Catalogue(ctx, maxAge)
	if err == nil {
		return c, nil
	}
	old, readErr := debian.ReadCatalogue(s.cataloguePath())
	if old == nil || ctx.Err() != nil {
		return nil, errors.Join(err, readErr)
	}
	s.say("using the catalogue of %s: %s", old.Updated.Format(time.DateTime), err)
	return old, nil
}

func (s *Store) cataloguePath() string { return filepath.Join(s.Dir, "apt", "catalogue.json") }

// withApt does something that one process at a time may do with the apt state.
func (s *Store) withApt(ctx context.Context, do func() error) (err error) {
	held, err := lock(ctx, filepath.Join(s.Dir, "apt", "krepro.lock"), func() { s.say("waiting for an update of the catalogue that is under way") })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	return do()
}

// markGone notes that the pool does not have a listed package, until the next update.
func (s *Store) markGone(ctx context.Context, p debian.Package) error {
	return s.withApt(ctx, func() error {
		c, err := debian.ReadCatalogue(s.cataloguePath())
		if err != nil {
			return err
		}
		if c == nil {
			return errors.New("mark package as gone: the catalogue is gone itself")
		}
		if c.Gone == nil {
			c.Gone = map[string]bool{}
		}
		c.Gone[p.SHA256] = true
		return c.Save(s.cataloguePath())
	})
}

// match lists the builds that a reference may mean, best first. kernels are
// sorted as Catalogue.Kernels does.
func match(kernels []debian.Kernel, ref Ref) []debian.Kernel {
	var found []debian.Kernel
	for _, k := range kernels {
		if k.Flavour != ref.Flavour {
			continue
		}
		if ref.Version == k.Version || ref.Release == k.Release ||
			(ref.Line != "" && debian.OfLine(debian.Upstream(k.Version), ref.Line)) {
			found = append(found, k)
		}
	}
	return found
}

// complete is the first build that lacks nothing.
func complete(kernels []debian.Kernel) *debian.Kernel {
	i := slices.IndexFunc(kernels, func(k debian.Kernel) bool { return len(k.Lacks) == 0 })
	if i < 0 {
		return nil
	}
	return &kernels[i]
}

// pinned is the lock file's build for a reference that names one version; nil if it has none.
func (s *Store) pinned(ref Ref) *debian.Kernel {
	if ref.Line != "" {
		return nil
	}
	return complete(match(s.pins, ref))
}

// refText writes a reference to a build.
func refText(k debian.Kernel) string {
	if k.Flavour == DefaultFlavour {
		return "debian:" + k.Version
	}
	return fmt.Sprintf("debian:%s/%s", k.Version, k.Flavour)
}
