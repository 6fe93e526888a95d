package kernels

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stubBuild makes an entry of a few bytes.
func stubBuild(dir string) (*Image, error) {
	for _, name := range []string{"vmlinuz", "config"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("something"), 0o644); err != nil {
			return nil, err
		}
	}
	return &Image{Vmlinuz: "vmlinuz", Config: "config"}, nil
}

func emptyStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // closed twice in some tests; an error shows there
	return s
}

func fillStub(t *testing.T, s *Store, id string) *Image {
	t.Helper()
	img, err := s.fill(context.Background(), id, stubBuild)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestFillFails(t *testing.T) {
	s := emptyStore(t)
	boom := errors.New("boom")
	_, err := s.fill(context.Background(), "a", func(dir string) (*Image, error) {
		if _, err := stubBuild(dir); err != nil {
			t.Fatal(err)
		}
		return nil, boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error is %v, want boom", err)
	}
	if img, err := s.cached("a"); img != nil || err != nil {
		t.Errorf("half an entry is visible: %v, %v", img, err)
	}
	checkEmpty(t, s)
	fillStub(t, s, "a")
	checkEmpty(t, s)
}

func checkEmpty(t *testing.T, s *Store) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(s.Dir, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

// What a killed process leaves is a folder with a lock file that nobody locks.
func TestFillAfterKill(t *testing.T) {
	s := emptyStore(t)
	for _, id := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(s.temp(id), "lib"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.temp(id)+".lock", nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	img := fillStub(t, s, "a")
	if _, err := os.Stat(filepath.Join(filepath.Dir(img.Vmlinuz), "lib")); err == nil {
		t.Error("the dead process' files are part of the entry")
	}
	checkEmpty(t, s)
}

// A folder in the making whose process lives is left alone.
func TestSweepSparesTheLiving(t *testing.T) {
	s := emptyStore(t)
	held, err := lock(context.Background(), s.temp("a")+".lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.temp("a"), 0o755); err != nil {
		t.Fatal(err)
	}
	fillStub(t, s, "b")
	if _, err := os.Stat(s.temp("a")); err != nil {
		t.Errorf("the living process' folder is gone: %v", err)
	}
	if err := unlock(held); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedEntryIsMadeAnew(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"empty file":   func(dir string) error { return os.Truncate(filepath.Join(dir, "vmlinuz"), 0) },
		"missing file": func(dir string) error { return os.Remove(filepath.Join(dir, "config")) },
		"half a JSON":  func(dir string) error { return os.Truncate(filepath.Join(dir, imageFile), 10) },
	} {
		t.Run(name, func(t *testing.T) {
			s := emptyStore(t)
			fillStub(t, s, "a")
			if err := damage(s.entry("a")); err != nil {
				t.Fatal(err)
			}
			if img, err := s.cached("a"); img != nil || err != nil {
				t.Errorf("a damaged entry is taken: %v, %v", img, err)
			}
			img := fillStub(t, s, "a")
			if data, err := os.ReadFile(img.Vmlinuz); err != nil || string(data) != "something" {
				t.Errorf("vmlinuz is %q, %v", data, err)
			}
		})
	}
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	held, err := lock(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var waits, entered atomic.Int32
	done := make(chan error)
	go func() {
		second, err := lock(context.Background(), path, func() { waits.Add(1) })
		if err == nil {
			entered.Add(1)
			err = unlock(second)
		}
		done <- err
	}()
	time.Sleep(5 * lockPoll)
	if waits.Load() != 1 || entered.Load() != 0 {
		t.Errorf("said %d times that it waits, entered %d times; want 1, 0", waits.Load(), entered.Load())
	}
	if err := unlock(held); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file is left: %v", err)
	}
}

func TestLockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	if _, err := lock(context.Background(), path, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*lockPoll)
	defer cancel()
	if _, err := lock(ctx, path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want DeadlineExceeded", err)
	}
}

func TestPrune(t *testing.T) {
	s := emptyStore(t)
	for _, id := range []string{"old", "new", "used"} {
		fillStub(t, s, id)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	monthAgo := time.Now().AddDate(0, -1, 0)
	for _, id := range []string{"old", "used"} {
		if err := os.Chtimes(filepath.Join(s.entry(id), imageFile), monthAgo, monthAgo); err != nil {
			t.Fatal(err)
		}
	}
	running := &Store{Dir: s.Dir}
	if img, err := running.cached("used"); img == nil || err != nil {
		t.Fatal(img, err)
	}
	if err := os.Chtimes(filepath.Join(s.entry("used"), imageFile), monthAgo, monthAgo); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.temp("dead"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		p, err := s.Prune(7*24*time.Hour, dry)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Removed) != 1 || p.Removed[0].ID != "old" || len(p.InUse) != 1 || p.Kept != 1 || p.Bytes != 18 {
			t.Errorf("dry %t: pruned %+v", dry, p)
		}
		if _, err := os.Stat(s.entry("old")); (err == nil) != dry {
			t.Errorf("dry %t: old entry: %v", dry, err)
		}
	}
	checkEmpty(t, s)
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Prune(0, false); err != nil || len(p.Removed) != 2 {
		t.Errorf("pruned %+v, %v; want both", p, err)
	}
	if images, err := s.Images(); err != nil || len(images) != 0 {
		t.Errorf("%d images are left, %v", len(images), err)
	}
}

func TestDefaultDir(t *testing.T) {
	for _, c := range []struct{ cache, xdg, want string }{
		{"/k", "/x", "/k"}, {"", "/x", "/x/krepro"}, {"", "", "/home/u/.cache/krepro"},
	} {
		t.Setenv(EnvCache, c.cache)
		t.Setenv("XDG_CACHE_HOME", c.xdg)
		t.Setenv("HOME", "/home/u")
		if got, err := defaultDir(); got != c.want || err != nil {
			t.Errorf("%+v: folder is %s, %v", c, got, err)
		}
	}
}

// The lock file is part of the program: what it names must be whole.
func TestPinsAreWhole(t *testing.T) {
	s := emptyStore(t)
	lines := map[string]bool{}
	var text strings.Builder
	if err := WritePins(&text, s.pins); err != nil || text.String() != string(lockFile) {
		t.Errorf("kernels.lock is not as WritePins writes it: %v", err)
	}
	for _, k := range s.pins {
		ref, err := ParseRef(refText(k))
		if err != nil {
			t.Errorf("%s: %v", k.Version, err)
		}
		if found := s.pinned(ref); found == nil || found.Version != k.Version {
			t.Errorf("%s: its reference finds %v", refText(k), found)
		}
		lines[strings.Join(strings.SplitN(k.Version, ".", 3)[:2], ".")] = true
		for _, p := range k.Packages {
			if len(p.SHA256) != 64 || p.Version != k.Version || p.Size == 0 || len(p.At) == 0 || !strings.HasPrefix(p.At[0].Path, "pool/") {
				t.Errorf("%s: package is %+v", k.Version, p)
			}
		}
	}
	for _, must := range []string{"debian:5.10.218-1", "debian:5.10.223-1"} {
		if ref, err := ParseRef(must); err != nil {
			t.Error(err)
		} else if s.pinned(ref) == nil {
			t.Errorf("%s is not pinned", must)
		}
	}
	if len(s.pins) < 8 || len(lines) < 5 {
		t.Errorf("%d kernels of %d lines are pinned, want 8 of 5 at least", len(s.pins), len(lines))
	}
}
