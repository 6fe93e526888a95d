// Package sockhash enters single sockets by hand into a sockhash: one without
// any program, or one whose skb verdict program lets everything through. For
// sockets that enter by themselves when they are connected there is package accel.
package sockhash

import (
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/probe"
)

// Hashes are the two of them. An entry goes when its socket is closed.
type Hashes struct {
	objs bpf.VerdictObjects
}

// Open makes them, and attaches the verdict program to one.
func Open() (*Hashes, error) {
	h := &Hashes{}
	if err := bpf.LoadVerdictObjects(&h.objs, nil); err != nil {
		return nil, fmt.Errorf("load verdict objects: %w", err)
	}
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: h.objs.Passing.FD(), Program: h.objs.Pass, Attach: ebpf.AttachSkSKBStreamVerdict,
	})
	if err != nil {
		h.objs.Close()
		return nil, fmt.Errorf("attach skb verdict program: %w", err)
	}
	return h, nil
}

// Close lets go of both. Program and map would keep each other alive, so the
// tie between them is cut first.
func (h *Hashes) Close() error {
	err := link.RawDetachProgram(link.RawDetachProgramOptions{
		Target: h.objs.Passing.FD(), Program: h.objs.Pass, Attach: ebpf.AttachSkSKBStreamVerdict,
	})
	if err != nil {
		return fmt.Errorf("detach skb verdict program: %w", err)
	}
	return h.objs.Close()
}

// Plain enters a connected socket into the sockhash that has no program.
func (h *Hashes) Plain(c syscall.Conn) error { return enter(h.objs.Plain, c) }

// Passing enters a connected socket into the sockhash with the verdict program.
func (h *Hashes) Passing(c syscall.Conn) error { return enter(h.objs.Passing, c) }

// Passed is how many bytes the verdict program has let through so far.
func (h *Hashes) Passed() (n uint64, err error) {
	err = h.objs.Passed.Get(&n)
	return n, err
}

// enter puts a socket into a map and reads the entry back.
func enter(m *ebpf.Map, c syscall.Conn) error {
	cookie, err := probe.Cookie(c)
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("enter socket into %s: %w", m, err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = m.Update(cookie, uint64(fd), ebpf.UpdateNoExist) }); err != nil {
		return fmt.Errorf("enter socket into %s: %w", m, err)
	}
	var found uint64
	if inner == nil {
		inner = m.Lookup(cookie, &found)
	}
	if inner == nil && found != cookie {
		inner = fmt.Errorf("the entry leads to socket %d, not %d", found, cookie)
	}
	if inner != nil {
		return fmt.Errorf("enter socket into %s: %w", m, inner)
	}
	return nil
}
