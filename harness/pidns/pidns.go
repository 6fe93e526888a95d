// Package pidns names processes across pid namespaces.
//
// A process in a container has a number there and another one on the host.
// Tracers speak of the host's: krepro's evidence does, where it names a thread.
// People who look into the container know the other. Numbers and Host lead from
// the one to the other by /proc; Asker by the kernel's own helper for BPF
// programs, bpf_get_ns_current_pid_tgid.
package pidns

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace is a pid namespace, as stat(2) of /proc/PID/ns/pid shows it. A
// helper of the kernel wants both numbers.
type Namespace struct {
	Dev   uint64 // of nsfs, as the kernel writes it: major<<20 | minor, not st_dev
	Inode uint64
}

func (n Namespace) String() string { return fmt.Sprintf("pid:[%d]", n.Inode) }

// Of is the namespace that a process of the host is in.
func Of(pid int) (Namespace, error) { return of(strconv.Itoa(pid)) }

// Own is the namespace that this process is in.
func Own() (Namespace, error) { return of("self") }

func of(process string) (Namespace, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/"+process+"/ns/pid", &st); err != nil {
		return Namespace{}, fmt.Errorf("find pid namespace of process %s: %w", process, err)
	}
	dev := uint64(unix.Major(st.Dev))<<20 | uint64(unix.Minor(st.Dev))
	return Namespace{Dev: dev, Inode: st.Ino}, nil
}

// Numbers are those of a process of the host in each pid namespace that it is
// visible in: the host's first, its own namespace's last.
func Numbers(pid int) ([]int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, fmt.Errorf("read numbers of process %d: %w", pid, err)
	}
	numbers, err := parseStatus(string(text))
	if err != nil {
		return nil, fmt.Errorf("read numbers of process %d: %w", pid, err)
	}
	return numbers, nil
}

// parseStatus reads the line "NSpid:\t4711\t12\t1" of /proc/PID/status.
func parseStatus(text string) ([]int, error) {
	for line := range strings.Lines(text) {
		list, ok := strings.CutPrefix(line, "NSpid:")
		if !ok {
			continue
		}
		var numbers []int
		for _, field := range strings.Fields(list) {
			n, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("parse NSpid: %w", err)
			}
			numbers = append(numbers, n)
		}
		if len(numbers) > 0 {
			return numbers, nil
		}
	}
	return nil, fmt.Errorf("no NSpid line with a number")
}

// Host is the host's number of the process that has this number in the namespace.
func (n Namespace) Host(pid int) (int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, dir := range dirs {
		host, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		// A process may end while the list is read.
		if ns, err := Of(host); err != nil || ns != n {
			continue
		}
		if numbers, err := Numbers(host); err == nil && numbers[len(numbers)-1] == pid {
			return host, nil
		}
	}
	return 0, fmt.Errorf("find process %d of %s: there is none", pid, n)
}

// Name says how a process of the host goes, by all of its numbers:
//
//	process 4711
//	process 4711, 12 in pid:[4026532181]
//	process 4711, 12 and 1 in pid:[4026532181]       (its own namespace's last)
func Name(pid int) (string, error) {
	numbers, err := Numbers(pid)
	if err != nil {
		return "", err
	}
	ns, err := Of(pid)
	if err != nil {
		return "", err
	}
	return name(numbers, ns), nil
}

func name(numbers []int, ns Namespace) string {
	text := fmt.Sprintf("process %d", numbers[0])
	if len(numbers) == 1 {
		return text
	}
	separator := ", "
	for _, n := range numbers[1:] {
		text += separator + strconv.Itoa(n)
		separator = " and "
	}
	return text + " in " + ns.String()
}
