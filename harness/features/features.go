// Package features asks the running kernel what it offers to BPF programs and
// to tracers: program and map types, helpers of each program type, what programs
// may consist of, ways to attach them, and which of the functions exist that
// krepro observes.
//
// BPF is asked by package features of cilium/ebpf, by trying. Hooks are tried
// too, each by attaching a program and detaching it. What a list of the kernel
// has (BTF, tracefs) is read from there.
//
// There are three answers: yes, no and cannot tell. The third is given with its
// reason, and never taken for either of the others.
package features

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/harness/event"
)

// Prober probes the running kernel, as a process that may load BPF programs.
type Prober struct {
	btf   *btf.Spec // of the kernel; nil: it has none that can be read
	noBTF string    // why not
}

// New reads the kernel's BTF. Without it, iterators and functions cannot be
// told, nor types that are newer than this package.
func New() *Prober {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return &Prober{noBTF: "the kernel's BTF cannot be read: " + err.Error()}
	}
	return &Prober{btf: spec}
}

// enter puts an item where the error of its probe says.
func enter(f *event.Features, name string, err error) {
	switch {
	case err == nil || accepted(err):
		f.Yes = append(f.Yes, name)
	case refused(err):
		f.No = append(f.No, name)
	default:
		f.Unsure = append(f.Unsure, event.Unsure{Name: name, Why: reason(err)})
	}
}

// refusals are words of the verifier that say no as clearly as the library's own
// conclusive answers (kernel/bpf/verifier.c): the first is of kernels from 7.3,
// whose log goes on after it, and the library reads its last lines only; the
// second is check_get_func_ip.
var refusals = []string{"program of this type cannot use helper", "not supported for program type"}

// refused tells whether an error says that the kernel does not have it.
func refused(err error) bool {
	said := verdict(err)
	return errors.Is(err, ebpf.ErrNotSupported) ||
		slices.ContainsFunc(refusals, func(words string) bool { return strings.Contains(said, words) })
}

// argument is the verifier's complaint about an argument ("R1 is not a scalar"),
// which it looks at only after it has allowed the helper.
var argument = regexp.MustCompile(`^R[1-5] `)

// accepted tells whether an error says that the kernel has the helper.
func accepted(err error) bool { return argument.MatchString(verdict(err)) }

// verdict is the line in which the verifier says why it refuses the call of a
// helper, which is the one after the call; "" if it does not.
func verdict(err error) string {
	var refusal *ebpf.VerifierError
	if !errors.As(err, &refusal) {
		return ""
	}
	call := slices.IndexFunc(refusal.Log, func(line string) bool { return strings.Contains(line, "(85) call ") })
	if call < 0 || call+1 == len(refusal.Log) {
		return ""
	}
	return strings.TrimSpace(refusal.Log[call+1])
}

// helperName is how the verifier names a helper: the item is named already, and
// without it the same reason is the same text.
var helperName = regexp.MustCompile(`bpf_\w+#\d+ `)

// reason is why a probe told neither yes nor no, on one line.
func reason(err error) string {
	if said := verdict(err); said != "" {
		return "verifier: " + helperName.ReplaceAllString(said, "")
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
