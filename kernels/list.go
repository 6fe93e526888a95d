package kernels

import (
	"slices"
	"strings"

	"github.com/krepro/krepro/kernels/debian"
)

// Row is one kernel in a list of what there is.
type Row struct {
	Ref     string   `json:"ref"`
	Release string   `json:"release"`
	Flavour string   `json:"flavour"`
	Suites  []string `json:"suites,omitempty"` // of Debian that list it
	Bytes   int64    `json:"bytes"`            // to download, or on disk if cached
	Cached  bool     `json:"cached"`
	Pinned  bool     `json:"pinned"`          // in the lock file
	Lacks   []string `json:"lacks,omitempty"` // packages that cannot be had: it cannot be fetched
}

// Rows joins what the catalogue lists (may be nil), what the lock file pins and
// what is in the cache: of each version and flavour the best build, newest first,
// then the kernels that came as files.
func Rows(c *debian.Catalogue, pins []debian.Kernel, images []*Image) []Row {
	all := &debian.Catalogue{}
	if c != nil {
		*all = *c
	}
	listed := all.Kernels()
	for _, pin := range pins {
		if !slices.ContainsFunc(listed, func(k debian.Kernel) bool { return refText(k) == refText(pin) }) {
			listed = append(listed, pin)
		}
	}
	slices.SortStableFunc(listed, func(a, b debian.Kernel) int { return debian.CompareVersions(b.Version, a.Version) })
	byID := map[string]*Image{}
	for _, img := range images {
		byID[img.ID] = img
	}
	var rows []Row
	seen := map[string]bool{}
	for _, k := range listed {
		if seen[refText(k)] {
			continue
		}
		seen[refText(k)] = true
		r := Row{Ref: refText(k), Release: k.Release, Flavour: k.Flavour, Suites: suites(k), Bytes: size(k), Lacks: k.Lacks}
		r.Pinned = slices.ContainsFunc(pins, func(p debian.Kernel) bool { return refText(p) == r.Ref })
		if img := byID[kernelID(k)]; img != nil {
			r.Cached, r.Bytes = true, img.Size
			delete(byID, img.ID)
		}
		rows = append(rows, r)
	}
	for _, img := range images {
		if byID[img.ID] != nil {
			rows = append(rows, Row{Ref: cachedRef(img), Release: img.Release, Flavour: img.Flavour, Bytes: img.Size, Cached: true})
		}
	}
	return rows
}

// cachedRef names an image that no index lists.
func cachedRef(img *Image) string {
	if img.Source != "debian" {
		return img.Name
	}
	return refText(debian.Kernel{Version: img.Package, Flavour: img.Flavour})
}

// suites are those that list the first package of a build, each once.
func suites(k debian.Kernel) []string {
	var names []string
	if len(k.Packages) == 0 {
		return nil
	}
	for _, at := range k.Packages[0].At {
		if at.Suite != "" && !slices.Contains(names, at.Suite) {
			names = append(names, at.Suite)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
