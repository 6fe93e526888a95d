package pidns

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
)

// Asker has a BPF program ask in the kernel who the caller of a system call is
// (bpf/pidns.c).
type Asker struct {
	bpf.PidnsVariables
	program *ebpf.Program
	link    link.Link
}

// Answer is what the kernel's helpers said of a caller.
type Answer struct {
	Process, Thread         int   // by bpf_get_ns_current_pid_tgid
	HostProcess, HostThread int   // by bpf_get_current_pid_tgid
	Err                     error // of the former: nil or the errno
}

// ErrUnasked says that a system call was made, and the program did not see it.
var ErrUnasked = errors.New("the BPF program did not see the call")

// OpenGetpgid asks at every getpgid(2), by a raw tracepoint program.
func OpenGetpgid() (*Asker, error) {
	var objs struct {
		bpf.PidnsVariables
		Program *ebpf.Program `ebpf:"call"`
	}
	if err := bpf.LoadPidnsObjects(&objs, nil); err != nil {
		return nil, fmt.Errorf("load program for raw tracepoint sys_enter: %w", err)
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: objs.Program})
	if err != nil {
		objs.Program.Close()
		return nil, fmt.Errorf("attach to raw tracepoint sys_enter: %w", err)
	}
	return &Asker{objs.PidnsVariables, objs.Program, l}, nil
}

// OpenConnect asks at every connect(2) in a cgroup, by a sockops program. The
// kernel has the helper for that type from 6.10 on.
func OpenConnect(cgroup string) (*Asker, error) {
	var objs struct {
		bpf.PidnsVariables
		Program *ebpf.Program `ebpf:"connects"`
	}
	if err := bpf.LoadPidnsObjects(&objs, nil); err != nil {
		return nil, fmt.Errorf("load sockops program: %w", err)
	}
	l, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup, Attach: ebpf.AttachCGroupSockOps, Program: objs.Program})
	if err != nil {
		objs.Program.Close()
		return nil, fmt.Errorf("attach sockops program to %s: %w", cgroup, err)
	}
	return &Asker{objs.PidnsVariables, objs.Program, l}, nil
}

// Close detaches and unloads.
func (a *Asker) Close() error { return errors.Join(a.link.Close(), a.program.Close()) }

// Ask returns what the helpers say while a process, by its number on the host,
// makes the system call, if the namespace is the one to ask for.
func (a *Asker) Ask(host int, ns Namespace, call func() error) (Answer, error) {
	before, err := a.numbers()
	if err != nil {
		return Answer{}, err
	}
	if err := errors.Join(a.Dev.Set(ns.Dev), a.Inode.Set(ns.Inode), a.Watched.Set(uint32(host))); err != nil {
		return Answer{}, fmt.Errorf("set what to ask for: %w", err)
	}
	if err := call(); err != nil {
		return Answer{}, err
	}
	after, err := a.numbers()
	if err != nil {
		return Answer{}, err
	}
	if after.Asked == before.Asked {
		return Answer{}, ErrUnasked
	}
	return answer(after), nil
}

func (a *Asker) numbers() (n bpf.PidnsNumbers, err error) {
	if err := a.Answer.Get(&n); err != nil {
		return n, fmt.Errorf("read answer: %w", err)
	}
	return n, nil
}

func answer(n bpf.PidnsNumbers) Answer {
	a := Answer{
		Process: int(n.Process), Thread: int(n.Thread),
		HostProcess: int(n.Host >> 32), HostThread: int(uint32(n.Host)),
	}
	if n.Ret != 0 {
		a.Err = syscall.Errno(-n.Ret)
	}
	return a
}
