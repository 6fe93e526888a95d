package debian

import (
	"context"
	"fmt"
	"path/filepath"
)

// Download gets packages by name, as a suite has them, into a folder that is
// empty, and returns the files. apt finds them in the indexes of the last Update
// and accepts them by the hashes there.
func (a Apt) Download(ctx context.Context, dir, suite string, names []string) ([]string, error) {
	conf, err := a.prepare()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// To choose a package apt needs its cache of the lists after all.
	args := []string{"-c", conf, "-o", "pkgCacheFile::Generate=true", "-qq", "download"}
	for _, name := range names {
		args = append(args, name+"/"+suite)
	}
	if _, err := runIn(ctx, dir, "apt-get", args...); err != nil {
		return nil, fmt.Errorf("download packages of %s: %w", suite, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err == nil && len(files) != len(names) {
		err = fmt.Errorf("there are %d of %d", len(files), len(names))
	}
	if err != nil {
		return nil, fmt.Errorf("download packages of %s: %w", suite, err)
	}
	return files, nil
}
