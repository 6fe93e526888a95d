package dispatch

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// locate asks the kernel for a symbol's address: it puts a kprobe there, has
// BPF_TASK_FD_QUERY (bpf(2), since 4.17) tell the probe's address, and takes it
// away again. os.ErrNotExist if the kernel has no such symbol to probe.
//
// Reading /proc/kallsyms instead costs 1 to 4 seconds in an emulated guest.
func locate(symbol string, prog *ebpf.Program) (uint64, error) {
	probe, err := link.Kprobe(symbol, prog, nil)
	if err != nil {
		return 0, fmt.Errorf("locate %s: %w", symbol, err)
	}
	defer probe.Close()
	event, ok := probe.(link.PerfEvent)
	if !ok {
		return 0, fmt.Errorf("locate %s: the kprobe is no perf event", symbol)
	}
	file, err := event.PerfEvent()
	if err != nil {
		return 0, fmt.Errorf("locate %s: %w", symbol, err)
	}
	defer file.Close()
	address, err := probeAddress(file)
	if err != nil {
		return 0, fmt.Errorf("locate %s: %w", symbol, err)
	}
	return address, nil
}

// taskFDQuery mirrors the task_fd_query member of union bpf_attr (linux/bpf.h).
type taskFDQuery struct {
	pid, fd, flags, bufLen uint32
	buf                    uint64
	progID, fdType         uint32
	offset, address        uint64
}

const bpfTaskFDQuery = 20 // BPF_TASK_FD_QUERY

func probeAddress(event *os.File) (uint64, error) {
	buf := make([]byte, 128) // the symbol's name comes back in it
	q := taskFDQuery{
		pid: uint32(os.Getpid()), fd: uint32(event.Fd()),
		bufLen: uint32(len(buf)), buf: uint64(uintptr(unsafe.Pointer(&buf[0]))),
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, bpfTaskFDQuery, uintptr(unsafe.Pointer(&q)), unsafe.Sizeof(q))
	runtime.KeepAlive(buf)
	if errno != 0 {
		return 0, fmt.Errorf("query the kprobe's address: %w", errno)
	}
	if q.address == 0 {
		return 0, fmt.Errorf("query the kprobe's address: the kernel hides it (kernel.kptr_restrict?)")
	}
	return q.address, nil
}
