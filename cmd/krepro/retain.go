package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/vmtest/matrix"
)

// underWay is how long a run without verdicts, which nobody holds the lock of,
// may still be going: on another machine.
const underWay = 24 * time.Hour

// oldRun is a run's folder beside the new one.
type oldRun struct {
	dir      string
	started  time.Time
	finished bool
}

// retain removes runs that the file does not keep, from the folder in which
// krepro makes them: none that is going on, and not what this one was compared
// with. Where the user chose the folder, nothing is touched.
func (e *env) retain(keep matrix.Keep, dir string, o matrixOptions) error {
	if !keep.Given() || o.out != "" {
		return nil
	}
	own, err := readInvocation(dir)
	if err != nil {
		return err
	}
	runs, err := runsIn(filepath.Dir(dir))
	if err != nil {
		return err
	}
	var failed []error
	for i, r := range runs {
		age := own.Started.Sub(r.started)
		kept := i < keep.Runs || keep.Days > 0 && age < time.Duration(keep.Days)*24*time.Hour
		if kept || sameFolder(r.dir, dir) || sameFolder(r.dir, o.compare) || !r.finished && age < underWay {
			continue
		}
		lock, err := lockRun(r.dir)
		if errors.Is(err, errUnderWay) {
			continue
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if err := errors.Join(os.RemoveAll(r.dir), lock.Unlock()); err != nil {
			failed = append(failed, fmt.Errorf("remove old run: %w", err))
			continue
		}
		fmt.Fprintf(e.stderr, "removed %s, as the matrix file keeps no older ones\n", r.dir)
	}
	return errors.Join(failed...)
}

// errUnderWay tells that a krepro on this machine is at the run.
var errUnderWay = errors.New("the run is under way")

// lockRun holds a run that is going on, so that no other's retention takes it.
func lockRun(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, runFile), flock.SetFlag(os.O_RDONLY))
	held, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock run: %w", err)
	case !held:
		return nil, errUnderWay
	}
	return lock, nil
}

func sameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
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
