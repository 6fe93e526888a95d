package kernels

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/kernels/debian"
)

// EnvCache names the cache folder; without it, it is krepro in the user's cache folder.
const EnvCache = "KREPRO_CACHE"

// Age of the catalogue up to which it is taken as it is: when a kernel has to be
// fetched anyway, and when the pool contradicts it.
const (
	catalogueAge   = 24 * time.Hour
	catalogueFresh = 10 * time.Minute
	anyAge         = time.Duration(1<<63 - 1)
)

// Store is a cache of kernels. Its methods may be called at the same time, and
// several processes may share one folder. Close it: an image that it handed out
// is safe from Prune until then.
type Store struct {
	Dir string // absolute; Open fills it in
	// Progress is told what takes time, one line each, from any goroutine. May be nil.
	Progress func(line string)
	// Building is told how far builds are, from any goroutine. May be nil.
	Building func(Building)
	// Jobs bounds how many commands a build runs at a time; 0: one for each core.
	Jobs int
	// EtcApt is the machine's apt configuration, /etc/apt.
	EtcApt string
	// Keyrings are candidates for Debian's archive keyring; nil: debian.Keyrings.
	Keyrings []string

	pins []debian.Kernel // the lock file's
	mu   sync.Mutex
	held []*flock.Flock
}

// Open makes a store of a folder, created if missing; "" means the default folder.
func Open(dir string) (*Store, error) {
	if dir == "" {
		var err error
		if dir, err = defaultDir(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open kernel cache: %w", err)
	}
	for _, sub := range []string{"images", "tmp", "apt", sourcesDir, treesDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("open kernel cache: %w", err)
		}
	}
	pins, err := Pins()
	if err != nil {
		return nil, err
	}
	return &Store{Dir: dir, EtcApt: "/etc/apt", pins: pins}, nil
}

func defaultDir() (string, error) {
	if dir := os.Getenv(EnvCache); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w; set %s", err, EnvCache)
	}
	return filepath.Join(cache, "krepro"), nil
}

// Close gives up the images that were handed out.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	for _, f := range s.held {
		failed = errors.Join(failed, f.Unlock())
	}
	s.held = nil
	return failed
}

func (s *Store) say(format string, args ...any) {
	if s.Progress != nil {
		s.Progress(fmt.Sprintf(format, args...))
	}
}

// hold keeps a file or folder of the cache from being pruned until Close, and
// notes that it is used; false if it is not there, or being pruned this moment.
func (s *Store) hold(path string) (bool, error) {
	use := flock.New(path, flock.SetFlag(os.O_RDONLY))
	locked, err := use.TryRLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !locked {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("hold %s: %w", filepath.Base(path), err)
	}
	s.mu.Lock()
	s.held = append(s.held, use)
	s.mu.Unlock()
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return false, fmt.Errorf("mark %s as used: %w", filepath.Base(path), err)
	}
	return true, nil
}

func (s *Store) entry(id string) string { return filepath.Join(s.Dir, "images", id) }
func (s *Store) temp(id string) string  { return filepath.Join(s.Dir, "tmp", id) }

// cached returns the entry of an id and holds it; nil if there is none.
func (s *Store) cached(id string) (*Image, error) {
	dir := s.entry(id)
	if held, err := s.hold(filepath.Join(dir, imageFile)); !held {
		return nil, err
	}
	img, err := load(dir)
	if err == nil && img != nil {
		err = freshen(img, dir)
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}

// freshen completes what depends on this build of krepro: the cut BTF.
func freshen(img *Image, dir string) error {
	if !img.HasBTF {
		return nil
	}
	img.BTF = filepath.Join(dir, btfName())
	if _, err := os.Stat(img.BTF); err == nil {
		return nil
	}
	return cutFrom(img.Vmlinux, img.BTF)
}

// fill makes the entry of an id with build, which writes into a folder of its
// own and returns the image with paths relative to it. If another process is at
// it, its result is taken.
func (s *Store) fill(ctx context.Context, id string, build func(dir string) (*Image, error)) (img *Image, err error) {
	if err := s.sweep(); err != nil {
		return nil, err
	}
	held, err := lock(ctx, s.temp(id)+".lock", func() { s.say("waiting for the same kernel, which another krepro is making") })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	if img, err := s.cached(id); img != nil || err != nil {
		return img, err
	}
	dir := s.temp(id)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, fmt.Errorf("make cache entry: %w", err)
	}
	defer os.RemoveAll(dir)
	if img, err = build(dir); err != nil {
		return nil, err
	}
	img.ID = id
	if img.Size, err = sizeOf(dir); err != nil {
		return nil, err
	}
	if err := img.save(dir); err != nil {
		return nil, err
	}
	// An entry that is there and was not taken above is damaged.
	if err := os.RemoveAll(s.entry(id)); err != nil {
		return nil, fmt.Errorf("replace cache entry: %w", err)
	}
	if err := os.Rename(dir, s.entry(id)); err != nil {
		return nil, fmt.Errorf("make cache entry: %w", err)
	}
	if img, err = s.cached(id); img == nil && err == nil {
		err = errors.New("make cache entry: it was pruned at once")
	}
	return img, err
}

// sweep removes what processes that died left in tmp: whatever has no live lock.
func (s *Store) sweep() error {
	left, err := os.ReadDir(filepath.Join(s.Dir, "tmp"))
	if err != nil {
		return fmt.Errorf("tidy cache: %w", err)
	}
	for _, e := range left {
		if !e.IsDir() {
			continue
		}
		held, err := tryLock(s.temp(e.Name()) + ".lock")
		if err != nil {
			return fmt.Errorf("tidy cache: %w", err)
		}
		if held == nil {
			continue
		}
		if err := errors.Join(os.RemoveAll(s.temp(e.Name())), unlock(held)); err != nil {
			return fmt.Errorf("tidy cache: %w", err)
		}
	}
	return nil
}

// apt is the private apt state with the machine's mirrors.
func (s *Store) apt() (debian.Apt, error) {
	mirrors, err := debian.Discover(os.DirFS(s.EtcApt), os.Getenv)
	if err != nil {
		return debian.Apt{}, err
	}
	return debian.Apt{Dir: filepath.Join(s.Dir, "apt"), Mirrors: mirrors, Keyrings: s.Keyrings}, nil
}
