package vmtest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// virtmeCommand is virtme-ng's. KVM is off, for a device node that opens proves
// nothing; and the root comes by 9p, as a stock kernel has no virtiofs.
func virtmeCommand(m *Machine, s stage) ([]string, error) {
	qemu := append([]string{"-accel", accelTCG, "-cpu", cpuTCG}, s.ports...)
	return []string{"vng",
		"--run", filepath.Join(s.dir, stageKernel),
		"--user", "root", "--disable-kvm", "--force-9p",
		"--cpus", strconv.Itoa(m.CPUs), "--memory", fmt.Sprintf("%dM", s.memory),
		"--append", strings.Join(s.line, " "),
		"--qemu-opts=" + strings.Join(qemu, " "),
		"--exec", s.guest(),
	}, nil
}
