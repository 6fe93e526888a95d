package kernels

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// A lock is waited for until whoever holds it must be done: building a kernel
// takes minutes, and hours on a slow machine.
const (
	lockTimeout = 4 * time.Hour
	lockPoll    = 100 * time.Millisecond
)

// lock takes a lock file for itself. waiting is called once if another has it.
func lock(ctx context.Context, path string, waiting func()) (*flock.Flock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, fmt.Errorf("another krepro held it for %s", lockTimeout))
	defer cancel()
	for first := true; ; first = false {
		f, err := tryLock(path)
		if f != nil || err != nil {
			return f, err
		}
		if first && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// tryLock returns nil if another has the lock. Lock files are removed when they
// are released, so a lock counts only if its file is still the one at the path.
func tryLock(path string) (*flock.Flock, error) {
	f := flock.New(path)
	locked, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("take lock: %w", err)
	}
	if !locked {
		return nil, nil
	}
	held, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take lock: %w", err), f.Unlock())
	}
	current, err := os.Stat(path)
	if err == nil && os.SameFile(held, current) {
		return f, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("take lock: %w", err), f.Unlock())
	}
	return nil, f.Unlock()
}

// unlock removes the lock file and releases the lock, in this order: the file
// must go while nobody else can hold it.
func unlock(f *flock.Flock) error {
	return errors.Join(os.Remove(f.Path()), f.Unlock())
}
