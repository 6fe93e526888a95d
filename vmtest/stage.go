package vmtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/krepro/krepro/harness/event"
)

// stage is a folder with all that a foreign runner's VM reads: the kernel, the
// modules that its init loads, and the guest's files as they would be in an
// initramfs. The VM finds it by its path, for its root is the host's.
type stage struct {
	dir    string
	line   []string // kernel's command line
	memory int      // of the VM, in MiB
	ports  []string // QEMU's arguments for the ports
}

// Names within the stage.
const (
	stageKernel = "vmlinuz"
	stageTree   = "tree"
)

// stagePath is what virtme-ng, which hands its arguments through a shell, and
// QEMU, which splits at commas, both take for one word.
var stagePath = regexp.MustCompile(`^/[A-Za-z0-9_+./-]+$`)

// foreignConsole is the console's port where the runner has the first for
// itself. PID 1's and the suite's are then where the guest knows them.
var foreignConsole = []string{
	"console=ttyS3,115200",
	"earlycon=uart8250,io,0x2e8,115200n8",
}

// stage puts all of it into dir, which exists, and returns what to type. Each
// port is a character device of this form, with a name and the path of a file
// in dir.
func (m *Machine) stage(f foreign, l load, dir, device string, khz int) ([]string, error) {
	if !stagePath.MatchString(dir) {
		return nil, fmt.Errorf("stage vm: the path of %q may have letters, digits and _+./- only", dir)
	}
	if err := checkImage(m.Kernel.Vmlinuz); err != nil {
		return nil, err
	}
	if err := copyFile(m.Kernel.Vmlinuz, filepath.Join(dir, stageKernel)); err != nil {
		return nil, fmt.Errorf("stage kernel: %w", err)
	}
	if err := m.stageModules(f, dir); err != nil {
		return nil, err
	}
	t := &tree{root: filepath.Join(dir, stageTree)}
	if err := m.fill(l, t); err != nil {
		return nil, err
	}
	s := stage{dir: dir, memory: m.Memory, line: append(m.kernelLine(khz, foreignConsole), event.HostedVM)}
	if s.memory == 0 {
		s.memory = max(leastForeign, memoryFor(t.size))
	}
	for _, i := range []int{control, events, console} {
		id := "krepro-" + channels[i] // the runner has names of its own
		s.ports = append(s.ports, "-chardev", fmt.Sprintf(device, id, filepath.Join(dir, channelFiles[i])), "-serial", "chardev:"+id)
	}
	return f.command(m, s)
}

// leastForeign is the memory of a VM of a foreign runner's, in MiB: the host's
// udev and shell run in it.
const leastForeign = 1024

// guest is what the VM is to run.
func (s stage) guest() string {
	root := filepath.Join(s.dir, stageTree)
	return filepath.Join(root, "init") + " hosted " + root
}

// stageModules leaves those that the runner's init loads where it seeks them.
func (m *Machine) stageModules(f foreign, dir string) error {
	found, err := openModules(m.Kernel.Modules)
	if err != nil || found == nil {
		return err
	}
	for _, name := range f.modules {
		err := found.want(name)
		var none missingModule
		if err != nil && !errors.As(err, &none) {
			return err // without a missing one the VM may yet come up, or says what it lacks
		}
	}
	t := &tree{root: filepath.Join(dir, "lib/modules", m.Kernel.Info.Release)}
	for _, mod := range found.list {
		t.file("kernel/"+mod.name+".ko", modeFile, mod.data)
	}
	return t.close()
}

// tree is a container that is a folder.
type tree struct {
	root string
	size int64
	err  error
}

func (t *tree) dir(name string) {
	if t.err == nil {
		t.err = os.MkdirAll(filepath.Join(t.root, name), 0o755)
	}
}

func (t *tree) file(name string, mode int, data []byte) {
	t.dir(filepath.Dir(name))
	if t.err == nil {
		t.size += int64(len(data))
		t.err = os.WriteFile(filepath.Join(t.root, name), data, os.FileMode(mode).Perm())
	}
}

func (t *tree) close() error {
	if t.err != nil {
		return fmt.Errorf("stage vm: %w", t.err)
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
