package kernels

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/krepro/krepro/kernels/debian"
)

//go:embed kernels.lock
var lockFile []byte

// Pins are the kernels that the project names, fixed by the SHA-256 of their
// packages: kernels.lock, newest first.
func Pins() ([]debian.Kernel, error) {
	var pins []debian.Kernel
	if err := json.Unmarshal(lockFile, &pins); err != nil {
		return nil, fmt.Errorf("read kernels.lock: %w", err)
	}
	return pins, nil
}

// WritePins writes a lock file: kernels sorted, newest first, each once.
func WritePins(w io.Writer, pins []debian.Kernel) error {
	pins = slices.Clone(pins)
	slices.SortFunc(pins, func(a, b debian.Kernel) int {
		if c := debian.CompareVersions(b.Version, a.Version); c != 0 {
			return c
		}
		return slices.Index(Flavours, a.Flavour) - slices.Index(Flavours, b.Flavour)
	})
	pins = slices.CompactFunc(pins, func(a, b debian.Kernel) bool {
		return a.Version == b.Version && a.Flavour == b.Flavour
	})
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(pins); err != nil {
		return fmt.Errorf("write pins: %w", err)
	}
	return nil
}

// Lock resolves references to Debian kernels and returns the pins with these
// added, for WritePins. A line is pinned at its newest version.
func (s *Store) Lock(ctx context.Context, refs []string) ([]debian.Kernel, error) {
	pins := slices.Clone(s.pins)
	c, err := s.Catalogue(ctx, catalogueAge)
	if err != nil {
		return nil, err
	}
	for _, text := range refs {
		ref, err := ParseRef(text)
		if err != nil {
			return nil, err
		}
		k := complete(match(c.Kernels(), ref))
		if k == nil {
			return nil, s.explain(ctx, ref, c, nil)
		}
		for i := range k.Packages {
			k.Packages[i].Needs = nil // says nothing once the packages are chosen
		}
		pins = append(pins, *k)
	}
	return pins, nil
}
