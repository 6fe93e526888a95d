package dispatch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// probeList is where the kernel lists its kprobes with their addresses
// (Documentation/trace/kprobes.rst, "The kprobes debugfs interface").
const probeList = "/sys/kernel/debug/kprobes/list"

// kprobePMU is there if the kernel has kprobes as perf events (perf_event_open(2)).
const kprobePMU = "/sys/bus/event_source/devices/kprobe/type"

// locate asks the kernel for the addresses of functions: it puts a kprobe on
// each, reads the kernel's list of kprobes, and takes them away again. Symbols
// that the kernel does not have are left out.
//
// Reading /proc/kallsyms instead costs 1 to 4 seconds in an emulated guest.
func locate(prog *ebpf.Program, symbols ...string) (map[uint64]string, error) {
	if _, err := os.Stat(kprobePMU); err != nil {
		return nil, fmt.Errorf("find the kernel's kprobes: %w", err)
	}
	for _, symbol := range symbols {
		probe, err := link.Kprobe(symbol, prog, nil)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("attach kprobe to %s: %w", symbol, err)
		}
		defer probe.Close()
	}
	f, err := os.Open(probeList)
	if err != nil {
		return nil, fmt.Errorf("read addresses of kprobes (is debugfs mounted?): %w", err)
	}
	defer f.Close()
	all, err := parseProbes(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", probeList, err)
	}
	found := map[uint64]string{}
	for _, symbol := range symbols {
		if address, ok := all[symbol]; ok {
			found[address] = symbol
		}
	}
	return found, nil
}

// parseProbes reads lines like
//
//	ffffffff81a2b3c4  k  tcp_recvmsg+0x4    [FTRACE]
//
// into function addresses by symbol: the probe's less its offset, which is 4
// where the function begins with ENDBR.
func parseProbes(r io.Reader) (map[string]uint64, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	found := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		symbol, offset, _ := strings.Cut(fields[2], "+")
		at, err := strconv.ParseUint(fields[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("address in %q: %w", strings.TrimSpace(line), err)
		}
		by, err := strconv.ParseUint(offset, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("offset in %q: %w", strings.TrimSpace(line), err)
		}
		if at == 0 {
			return nil, fmt.Errorf("address of %s is hidden (kernel.kptr_restrict?)", symbol)
		}
		found[symbol] = at - by
	}
	return found, nil
}
