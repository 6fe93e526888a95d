package accel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Cgroup is a cgroup v2 of our own that this process lives in while it is
// open. A socket belongs to the cgroup of the process that made it, and a
// child process starts in its parent's: so everything the suite does is in
// here, and nothing else is.
type Cgroup struct {
	Path string

	home string // where the process came from, and goes back to
}

// JoinCgroup makes a cgroup below the process's own and moves the process into it.
func JoinCgroup() (*Cgroup, error) {
	root, err := cgroup2Root()
	if err != nil {
		return nil, err
	}
	self, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(root, self)
	c := &Cgroup{Path: filepath.Join(home, fmt.Sprintf("krepro-%d", os.Getpid())), home: home}
	if err := os.Mkdir(c.Path, 0o755); err != nil {
		return nil, fmt.Errorf("create cgroup: %w", err)
	}
	if err := moveTo(c.Path); err != nil {
		os.Remove(c.Path)
		return nil, err
	}
	return c, nil
}

// Close moves the process back and removes the cgroup.
func (c *Cgroup) Close() error {
	if err := moveTo(c.home); err != nil {
		return err
	}
	if err := os.Remove(c.Path); err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	return nil
}

func moveTo(cgroup string) error {
	pid := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte(pid), 0); err != nil {
		return fmt.Errorf("move process to cgroup %s: %w", cgroup, err)
	}
	return nil
}

// cgroup2Root finds the v2 hierarchy: at its usual place, or where systemd
// puts it on a hybrid host.
func cgroup2Root() (string, error) {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir, nil
		}
	}
	return "", errors.New("find cgroup v2: not mounted on /sys/fs/cgroup or /sys/fs/cgroup/unified")
}

// ownCgroup is the process's place in the v2 hierarchy: the line "0::PATH" of cgroups(7).
func ownCgroup() (string, error) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("read own cgroup: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path, nil
		}
	}
	return "", errors.New("read own cgroup: no v2 line in /proc/self/cgroup")
}
