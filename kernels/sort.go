package kernels

import (
	"slices"

	"github.com/krepro/krepro/kernels/debian"
)

// Sorted puts references in the order of their versions, oldest first, if all
// are to versions of Debian's; else they stay as they are. *RefError.
func Sorted(refs []string) ([]string, error) {
	versions := map[string]string{}
	for _, text := range refs {
		ref, err := ParseRef(text)
		if err != nil {
			return nil, err
		}
		if ref.Version == "" {
			return refs, nil
		}
		versions[text] = ref.Version
	}
	return slices.SortedStableFunc(slices.Values(refs), func(a, b string) int {
		return debian.CompareVersions(versions[a], versions[b])
	}), nil
}
