package vmtest

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// overhead is what QEMU needs besides the guest's memory, in MiB: translated
// code, the kernel's ELF file, the initramfs.
const overhead = 300

// DefaultJobs is how many machines of this Runner, CPUs and Memory this host can
// run at once: its processors bound it, and four fifths of the memory that is
// free. It is at least one.
func (m Machine) DefaultJobs() (int, error) {
	m = m.filled()
	least := leastMemory
	if m.Runner != RunnerQEMU {
		least = leastForeign
	}
	m.Memory = cmp.Or(m.Memory, least)
	free, err := freeMemory()
	if err != nil {
		return 0, err
	}
	return jobs(runtime.GOMAXPROCS(0), free, m.CPUs, m.Memory), nil
}

func jobs(processors, free, cpus, memory int) int {
	return max(1, min(processors/cpus, free*4/5/(memory+overhead)))
}

// freeMemory is MemAvailable of /proc/meminfo, or what the cgroup leaves of its
// limit if that is less; in MiB.
func freeMemory() (int, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read free memory: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "MemAvailable:" {
			continue
		}
		kib, err := strconv.Atoi(fields[1])
		if err != nil {
			return 0, fmt.Errorf("read free memory: %w", err)
		}
		return min(kib>>10, cgroupMemory()), nil
	}
	return 0, fmt.Errorf("read free memory: no MemAvailable in /proc/meminfo")
}

// cgroupMemory is what this process's cgroup may still use, in MiB. Where no
// limit can be read there is none.
func cgroupMemory() int {
	const unlimited = 1 << 40
	limit, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return unlimited
	}
	used, err := os.ReadFile("/sys/fs/cgroup/memory.current")
	if err != nil {
		return unlimited
	}
	l, lerr := strconv.Atoi(strings.TrimSpace(string(limit))) // "max" is no number
	u, uerr := strconv.Atoi(strings.TrimSpace(string(used)))
	if lerr != nil || uerr != nil {
		return unlimited
	}
	return max(0, l-u) >> 20
}
