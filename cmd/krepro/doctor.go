package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/build"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// finding is one line of krepro doctor.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Need bool   `json:"need"` // without it krepro run does not work
	Is   string `json:"is"`
	Type string `json:"type,omitempty"` // what to type
}

func (e *env) doctorCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "doctor", Short: "Say what is here, what is missing, and what to type", Args: cobra.NoArgs,
		Example: "  krepro doctor",
		RunE: does(func(ctx context.Context, _ []string) error {
			found := e.examine(ctx)
			if asJSON {
				if err := e.printJSON(found); err != nil {
					return err
				}
			}
			ill := false
			for _, f := range found {
				ill = ill || f.Need && !f.OK
				if !asJSON {
					fmt.Fprint(e.stdout, f)
				}
			}
			if ill {
				return &failure{code: 1}
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of text")
	return c
}

// String is the finding with a mark: ok, missing, or a mere note.
func (f finding) String() string {
	mark := "ok     "
	switch {
	case !f.OK && f.Need:
		mark = "MISSING"
	case !f.OK:
		mark = "note   "
	}
	text := fmt.Sprintf("%s  %-10s %s\n", mark, f.What, f.Is)
	if !f.OK && f.Type != "" {
		text += fmt.Sprintf("         %-10s type: %s\n", "", f.Type)
	}
	return text
}

// examine looks at all that krepro needs of a machine.
func (e *env) examine(ctx context.Context) []finding {
	found := []finding{
		qemu(ctx),
		program("apt-get", "", "apt install apt"),
		program("dpkg-deb", "", "apt install dpkg"),
		keyring(),
		mirrors(e),
		program("go", "to build krepro; not to run it", "install Go 1.26 or later"),
		kvm(),
		memory(),
		cache(),
		e.guest(), e.suites(),
		builder(ctx),
	}
	return found
}

func qemu(ctx context.Context) finding {
	f := finding{What: "qemu", Need: true, Type: "sudo apt install qemu-system-x86"}
	version, err := vmtest.Version(ctx, "qemu-system-x86_64")
	if err != nil {
		f.Is = err.Error()
		return f
	}
	f.OK, f.Is = true, "qemu-system-x86_64 "+version
	return f
}

// program looks for one in the PATH; with a reason why one can do without, it is not needed.
func program(name, without, install string) finding {
	path, err := exec.LookPath(name)
	f := finding{What: name, OK: err == nil, Need: without == "", Is: path, Type: install}
	if err != nil {
		f.Is = strings.TrimPrefix(strings.Join([]string{without, "not found"}, ": "), ": ")
	}
	return f
}

// builder is what building kernels from source needs.
func builder(ctx context.Context) finding {
	f := finding{What: "building", OK: true, Is: "kernels can be built from source"}
	if missing := build.Missing(ctx); len(missing) > 0 {
		f.OK, f.Is = false, "to build kernels from source, not to run them: "+strings.Join(missing, ", ")+" not found"
		f.Type = "sudo apt install " + strings.Join(missing, " ")
		return f
	}
	if _, err := exec.LookPath("ccache"); err != nil {
		f.OK, f.Is, f.Type = false, f.Is+"; ccache, which makes it faster, is not found", "sudo apt install ccache"
	}
	return f
}

func keyring() finding {
	f := finding{What: "keyring", Is: "no " + strings.Join(debian.Keyrings, ", no "), Type: "sudo apt install debian-archive-keyring"}
	for _, path := range debian.Keyrings {
		if _, err := os.Stat(path); err == nil {
			f.OK, f.Is = true, path
			break
		}
	}
	f.Need = true
	return f
}

func mirrors(e *env) finding {
	f := finding{What: "archives", Need: true,
		Type: fmt.Sprintf("export %s=URI %s=URI", debian.EnvMirror, debian.EnvSecurityMirror)}
	found, err := debian.Discover(os.DirFS("/etc/apt"), e.getenv)
	if err != nil {
		f.Is = err.Error()
		return f
	}
	f.OK, f.Is = true, fmt.Sprintf("%d of Debian's archives configured", len(found))
	return f
}

// kvm is a note in any case: TCG does, and only a boot proves KVM.
func kvm() finding {
	f := finding{What: "kvm", Is: "/dev/kvm opens; the first run proves whether kernels run under it, and takes TCG if not"}
	dev, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		f.Is = "not usable, kernels run under TCG: " + err.Error()
		return f
	}
	f.OK = true
	if err := dev.Close(); err != nil {
		f.OK, f.Is = false, err.Error()
	}
	return f
}

func memory() finding {
	f := finding{What: "processors", Need: true, Type: "krepro run --memory 384M"}
	jobs, err := vmtest.Machine{}.DefaultJobs()
	if err != nil {
		f.Is = err.Error()
		return f
	}
	f.OK, f.Is = true, fmt.Sprintf("%d; with the free memory enough for %d VMs at a time", runtime.NumCPU(), jobs)
	return f
}

// spaceNeeded in the cache: some ten kernels and the package lists.
const spaceNeeded = 2 << 30

func cache() finding {
	f := finding{What: "cache", Need: true, Type: "export " + kernels.EnvCache + "=FOLDER"}
	s, err := kernels.Open("")
	if err != nil {
		f.Is = err.Error()
		return f
	}
	var stat unix.Statfs_t
	if err := errors.Join(unix.Statfs(s.Dir, &stat), s.Close()); err != nil {
		f.Is = err.Error()
		return f
	}
	free := stat.Bavail * uint64(stat.Bsize)
	f.OK, f.Is = free >= spaceNeeded, fmt.Sprintf("%s, %.1f GB free", s.Dir, float64(free)/1e9)
	return f
}

func (e *env) guest() finding {
	_, err := os.Stat(e.guestBinary())
	f := finding{What: "guest", OK: err == nil, Need: true, Is: e.guestBinary(), Type: "make build"}
	if err != nil {
		f.Is = err.Error()
	}
	return f
}

func (e *env) suites() finding {
	f := finding{What: "suites", Need: true, Type: "make build"}
	found, err := manifest.Find(e.suitesDir())
	if err != nil {
		f.Is = err.Error()
		return f
	}
	var names []string
	for _, s := range found {
		names = append(names, s.Name)
	}
	f.OK, f.Is = true, strings.Join(names, ", ")+" in "+filepath.Clean(cmp.Or(e.suitesDir(), "."))
	return f
}
