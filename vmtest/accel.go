package vmtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/harness/event"
)

// Auto asks a Prober to choose.
const Auto = "auto"

// Prober finds out whether KVM runs a kernel here. A /dev/kvm that opens and
// creates VMs proves nothing: there are hosts where every stock kernel then dies
// in the middle of its boot, and QEMU hangs. So the kernel itself is booted under
// it, without suites, within a short deadline, and the answer is remembered: a no
// until the host or its QEMU changes, a yes for that kernel as well.
type Prober struct {
	Cache string // folder for the answers
	Guest string // as in Machine
	QEMU  string // as in Machine
}

// probeTime is ample: a host with KVM boots a kernel in less than two seconds.
const probeTime = 6 * time.Second

// Choose turns auto into TCG or KVM for a kernel and says why; TCG and KVM it
// leaves as they are.
func (p Prober) Choose(ctx context.Context, want string, k Kernel) (accel, why string, err error) {
	switch want {
	case TCG, KVM:
		return want, "asked for", nil
	case Auto:
	default:
		return "", "", fmt.Errorf("choose accelerator: %q is none of auto, tcg, kvm", want)
	}
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return TCG, err.Error(), nil
	}
	kvm.Close()
	answers, err := p.answers(ctx)
	if err != nil {
		return "", "", err
	}
	// Whoever comes second waits for the answer instead of booting kernels too.
	if err := os.MkdirAll(p.Cache, 0o755); err != nil {
		return "", "", fmt.Errorf("create folder for kvm answers: %w", err)
	}
	lock := flock.New(filepath.Join(p.Cache, "lock"))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return "", "", fmt.Errorf("lock kvm answers: %w", err)
	}
	defer lock.Close()
	return p.remembered(ctx, answers, k)
}

// answers is the folder for this boot of the host with this QEMU.
func (p Prober) answers(ctx context.Context) (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("identify host: %w", err)
	}
	qemu := Machine{QEMU: p.QEMU}.filled().QEMU
	version, err := Version(ctx, qemu)
	if err != nil {
		return "", err
	}
	return filepath.Join(p.Cache, strings.TrimSpace(string(id))+"-qemu-"+version), nil
}

// remembered looks the answer up, or finds it. The file "no" holds the reason,
// an empty file named after a kernel's ID says that this one runs.
func (p Prober) remembered(ctx context.Context, answers string, k Kernel) (accel, why string, err error) {
	no := filepath.Join(answers, "no")
	if reason, err := os.ReadFile(no); err == nil {
		return TCG, string(reason), nil
	}
	yes := filepath.Join(answers, k.Info.ID)
	if _, err := os.Stat(yes); err == nil {
		return KVM, "this kernel ran under it before", nil
	}
	reason, err := p.probe(ctx, k)
	if err != nil {
		return "", "", err
	}
	if err := p.forget(answers); err != nil {
		return "", "", err
	}
	if reason != "" {
		return TCG, reason, remember(no, reason)
	}
	return KVM, "this kernel runs under it", remember(yes, "")
}

// probe boots the kernel under KVM and says what went wrong, if anything did.
// A cancelled context is no answer, hence an error.
func (p Prober) probe(ctx context.Context, k Kernel) (reason string, err error) {
	dir, err := os.MkdirTemp("", "krepro-kvm-")
	if err != nil {
		return "", fmt.Errorf("probe kvm: %w", err)
	}
	defer os.RemoveAll(dir)
	m := Machine{Kernel: k, Dir: dir, Guest: p.Guest, QEMU: p.QEMU, Accel: KVM, CPUs: 1, Boot: probeTime, Whole: 2 * probeTime}
	exit, err := m.Run(ctx)
	if err != nil {
		return "", fmt.Errorf("probe kvm: %w", err)
	}
	switch {
	case exit.Reason == event.ExitDone:
		return "", nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("probe kvm: %w", ctx.Err())
	}
	first, _, _ := strings.Cut(exit.Error, "\n")
	return strings.TrimSpace(fmt.Sprintf("a kernel under kvm: %s %s", exit.Reason, first)), nil
}

// forget removes the answers of earlier boots and other QEMUs.
func (p Prober) forget(answers string) error {
	old, err := filepath.Glob(filepath.Join(p.Cache, "*-qemu-*"))
	if err != nil {
		return fmt.Errorf("list kvm answers: %w", err)
	}
	for _, dir := range old {
		if dir == answers {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("forget kvm answers: %w", err)
		}
	}
	return nil
}

func remember(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("remember kvm answer: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("remember kvm answer: %w", err)
	}
	return nil
}
