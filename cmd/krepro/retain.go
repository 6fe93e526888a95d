package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/krepro/krepro/vmtest/matrix"
)

// underWay is how long a run without verdicts may still be going.
const underWay = 24 * time.Hour

// oldRun is a run's folder beside the new one.
type oldRun struct {
	dir      string
	started  time.Time
	finished bool
}

// retain removes runs that the file does not keep, from the folder in which
// krepro makes them. Where the user chose the folder, nothing is touched.
func (e *env) retain(keep matrix.Keep, dir, out string) error {
	if !keep.Given() || out != "" {
		return nil
	}
	runs, err := runsIn(filepath.Dir(dir))
	if err != nil {
		return err
	}
	var failed []error
	for i, r := range runs {
		age := runs[0].started.Sub(r.started)
		kept := i < keep.Runs || keep.Days > 0 && age < time.Duration(keep.Days)*24*time.Hour
		if kept || filepath.Clean(r.dir) == filepath.Clean(dir) || !r.finished && age < underWay {
			continue
		}
		if err := os.RemoveAll(r.dir); err != nil {
			failed = append(failed, fmt.Errorf("remove old run: %w", err))
			continue
		}
		fmt.Fprintf(e.stderr, "removed %s, as the matrix file keeps no older ones\n", r.dir)
	}
	return errors.Join(failed...)
}

// runsIn lists the folders that krepro made, newest first: whatever else lies
// there is no run.
func runsIn(parent string) ([]oldRun, error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var runs []oldRun
	for _, entry := range entries {
		dir := filepath.Join(parent, entry.Name())
		if !entry.IsDir() {
			continue
		}
		inv, err := readInvocation(dir)
		if err != nil || inv.Started.IsZero() {
			continue
		}
		_, err = os.Stat(filepath.Join(dir, verdictsFile))
		runs = append(runs, oldRun{dir, inv.Started, !errors.Is(err, fs.ErrNotExist)})
	}
	slices.SortFunc(runs, func(a, b oldRun) int { return b.started.Compare(a.started) })
	return runs, nil
}
