package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/krepro/krepro/vmtest/verdict"
)

// joinFolders puts the folders of all shards' VMs into one run.
func joinFolders(out string, shards []string) error {
	for _, shard := range shards {
		files, err := filepath.Glob(filepath.Join(shard, "*", verdict.KernelFile))
		if err != nil {
			return fmt.Errorf("list VMs: %w", err)
		}
		for _, f := range files {
			if err := joinVM(out, filepath.Dir(f)); err != nil {
				return fmt.Errorf("join %s: %w", filepath.Dir(f), err)
			}
		}
	}
	return nil
}

// joinVM brings a VM's folder into a run. Its name is taken there only if two
// kernels that could not be had are called alike.
func joinVM(out, from string) error {
	to, err := freeFolder(filepath.Join(out, filepath.Base(from)))
	if err != nil {
		return err
	}
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch target := filepath.Join(to, rel); {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type().IsRegular():
			return linkOrCopy(path, target)
		}
		return nil // sockets and the like are no evidence
	})
	if err != nil || filepath.Base(to) == filepath.Base(from) {
		return err
	}
	k := readKernel(from)
	k.Name = filepath.Base(to)
	return writeJSON(filepath.Join(to, verdict.KernelFile), k)
}

// linkOrCopy makes a file stand at a second place: as a link where the file system
// can, else as a copy.
func linkOrCopy(from, to string) (err error) {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
