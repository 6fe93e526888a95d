package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// MapError is for a map that cannot be swept, whoever asks.
type MapError struct{ text string }

func (e *MapError) Error() string { return e.text }

// find opens a map by id or path.
func find(name string) (m *ebpf.Map, err error) {
	if filepath.IsAbs(name) {
		m, err = pinned(name)
	} else {
		id, parseErr := strconv.ParseUint(name, 10, 32)
		if parseErr != nil {
			return nil, &MapError{fmt.Sprintf("map %q: want an id, or a path that begins with /", name)}
		}
		m, err = ebpf.NewMapFromID(ebpf.MapID(id))
	}
	var bad *MapError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &MapError{"no map " + name}
	case err != nil && !errors.As(err, &bad):
		return nil, fmt.Errorf("open map %s: %w", name, err)
	}
	return m, err
}

func pinned(path string) (*ebpf.Map, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return nil, err
	}
	if fs.Type != unix.BPF_FS_MAGIC {
		return nil, &MapError{path + " is not on a bpf file system"}
	}
	return ebpf.LoadPinnedMap(path, nil)
}

// lacking adds to an error what the kernel or its policy does not offer, if that
// is the reason.
func lacking(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w; needs root (CAP_SYS_ADMIN)%s", err, lockdown())
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, btf.ErrNotFound):
		return fmt.Errorf("%w; needs bpf_iter over sockhashes (Linux 5.10 or newer with CONFIG_DEBUG_INFO_BTF)", err)
	}
	return err
}

// lockdown says that the kernel is locked down, if it is (kernel_lockdown(7)).
func lockdown() string {
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil || !strings.Contains(string(b), "[confidentiality]") {
		return ""
	}
	return " and a kernel that is not locked down for confidentiality; this one is"
}
