package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// kernelFiles go with a boot image, where they do not lie beside it.
type kernelFiles struct{ modules, config, systemMap string }

func (k *kernelFiles) flags(f *pflag.FlagSet) {
	f.StringVar(&k.modules, "modules", "", "lib/modules/RELEASE of a boot image, if not beside it")
	f.StringVar(&k.config, "config", "", ".config of a boot image, if not beside it")
	f.StringVar(&k.systemMap, "system-map", "", "System.map of a boot image, if not beside it")
}

// parse reads a reference; the files go with it if it is a path.
func (k *kernelFiles) parse(text string) (kernels.Ref, error) {
	ref, err := kernels.ParseRef(text)
	if ref.Path != "" {
		ref.Modules, ref.Config, ref.SystemMap = k.modules, k.config, k.systemMap
	}
	return ref, err
}

// vmOptions are the flags about the VM itself.
type vmOptions struct {
	accel, memory string
	cpus          int
}

func (v *vmOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&v.accel, "accel", vmtest.Auto, "auto (KVM if a kernel is proven to run under it), tcg or kvm")
	f.IntVar(&v.cpus, "cpus", 0, "CPUs of each VM (default 1)")
	f.StringVar(&v.memory, "memory", "", "memory of each VM, as 512M or 2G (default 512M, or more if its suites need it)")
}

// machine is a VM with these options, and no kernel yet.
func (v *vmOptions) machine(e *env) (vmtest.Machine, error) {
	m := vmtest.Machine{Guest: e.guestBinary(), CPUs: v.cpus}
	if !slices.Contains([]string{vmtest.Auto, vmtest.TCG, vmtest.KVM}, v.accel) {
		return m, usage("accel: %q is none of auto, tcg, kvm", v.accel)
	}
	if v.cpus < 0 || v.cpus > 64 {
		return m, usage("cpus: %d is not from 1 to 64", v.cpus)
	}
	if v.memory == "" {
		return m, nil
	}
	var err error
	m.Memory, err = mebibytes(v.memory)
	return m, err
}

var sizeForm = regexp.MustCompile(`^([0-9]{1,6})([MG])(i?B)?$`)

// mebibytes reads 512M or 2G.
func mebibytes(text string) (int, error) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, usage("memory: %q is no size, want 512M or 2G", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return 0, usage("memory: %q is no size, want 512M or 2G", text)
	}
	if m[2] == "G" {
		n *= 1024
	}
	return n, nil
}

// usage is an error about the command line.
func usage(format string, args ...any) error {
	return &failure{codeUsage, fmt.Errorf(format, args...)}
}

// plan is what krepro run is asked for, checked.
type plan struct {
	refs    []kernels.Ref
	suites  []manifest.Suite
	args    []string // of each suite
	size    string
	sizes   map[string]string // of suites that have another
	machine vmtest.Machine
	accel   string // auto, tcg or kvm
	jobs    int

	rounds       int // of each suite
	untilFailure bool
}

// ref is the plan's reference of this text.
func (p plan) ref(text string) kernels.Ref {
	return p.refs[slices.IndexFunc(p.refs, func(r kernels.Ref) bool { return r.Text == text })]
}

// maxRepeat bounds the rounds of a suite; its evidence is one file.
const maxRepeat = 10_000

// sizes of a run, with the time that a VM gets where that is more than its own default.
var sizes = map[string]time.Duration{"quick": 0, "default": 0, "soak": 4 * time.Hour}

// plan checks a command line before anything is done.
func (e *env) plan(o runOptions) (p plan, err error) {
	for _, text := range o.kernels {
		ref, err := o.files.parse(text)
		if err != nil {
			return p, err
		}
		p.refs = append(p.refs, ref)
	}
	if p.suites, err = e.chooseSuites(o.suites); err != nil {
		return p, err
	}
	p.size, p.sizes = o.size, o.sizes
	whole, err := p.whole()
	if err != nil {
		return p, err
	}
	if _, err := regexp.Compile(o.focus); err != nil {
		return p, usage("focus: %v", err)
	}
	if err := checkLabels(o.labels); err != nil {
		return p, err
	}
	if o.jobs < 0 {
		return p, usage("jobs: %d is negative", o.jobs)
	}
	if o.timeout < 0 {
		return p, usage("timeout: %s is negative", o.timeout)
	}
	if p.machine, err = o.vm.machine(e); err != nil {
		return p, err
	}
	if p.rounds, p.untilFailure, err = o.rounds(); err != nil {
		return p, err
	}
	if p.rounds > 1 {
		whole = max(whole, sizes["soak"])
	}
	if p.accel, err = o.checkRunner(); err != nil {
		return p, err
	}
	p.machine.Runner, p.args = o.runner, suiteArgs(o)
	p.machine.Keep, p.machine.Whole = o.keep, max(whole, o.timeout)
	if o.timeout > 0 {
		p.machine.Whole = o.timeout
	}
	if o.trigger > 0 {
		p.machine.Env = append(p.machine.Env, fmt.Sprintf("%s=%v", event.EnvTrigger, o.trigger))
	}
	if o.callGraph {
		p.machine.Env = append(p.machine.Env, event.EnvCallGraph+"=1")
	}
	if p.jobs = o.jobs; p.jobs == 0 {
		p.jobs, err = p.machine.DefaultJobs()
	}
	return p, err
}

// sizeOf is the size of a suite.
func (p plan) sizeOf(suite string) string { return cmp.Or(p.sizes[suite], p.size) }

// whole is the time that each VM gets for the sizes of its suites, 0 for its
// own default.
func (p plan) whole() (most time.Duration, err error) {
	for _, size := range slices.Concat([]string{p.size}, slices.Sorted(maps.Values(p.sizes))) {
		whole, ok := sizes[size]
		if !ok {
			return 0, usage("size: %q is none of quick, default, soak", size)
		}
		most = max(most, whole)
	}
	return most, nil
}

// rounds are those of each suite; a zero field of the options is a default.
func (o runOptions) rounds() (n int, untilFailure bool, err error) {
	if o.repeat < 0 || o.repeat > maxRepeat {
		return 0, false, usage("repeat: %d is not from 1 to %d", o.repeat, maxRepeat)
	}
	if !(o.trigger >= 0 && o.trigger <= 1) {
		return 0, false, usage("trigger: %v is no share above 0 up to 1", o.trigger)
	}
	if o.untilFailure && o.repeat <= 1 {
		return 0, false, usage("until-failure: say how many rounds at most, with --repeat")
	}
	return max(1, o.repeat), o.untilFailure, nil
}

// checkLabels refuses here what Ginkgo would refuse in the guest, after a boot.
func checkLabels(filter string) error {
	_, err := types.ParseLabelFilter(filter)
	if err == nil {
		return nil
	}
	why := err.Error()
	if told, ok := err.(types.GinkgoError); ok { // the filter once more, then the reason
		why = told.Message[strings.LastIndex(told.Message, "\n")+1:]
	}
	return usage("label-filter: %q: %s", filter, strings.TrimSuffix(why, "."))
}

// suiteArgs are Ginkgo's: no colours in a file, and every spec named as it runs.
func suiteArgs(o runOptions) []string {
	args := []string{"-ginkgo.no-color", "-ginkgo.v"}
	if o.labels != "" {
		args = append(args, "-ginkgo.label-filter="+o.labels)
	}
	if o.focus != "" {
		args = append(args, "-ginkgo.focus="+o.focus)
	}
	return args
}

// names are the suites' names, in the order they run.
func (p plan) names() []string {
	var names []string
	for _, s := range p.suites {
		names = append(names, s.Name)
	}
	return names
}

// chooseSuites finds suites by name; no name means all but those that run on
// request only.
func (e *env) chooseSuites(names []string) ([]manifest.Suite, error) {
	all, err := manifest.Find(e.suitesDir())
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(s manifest.Suite) bool { return s.OnRequest }), nil
	}
	var known []string
	for _, s := range all {
		known = append(known, s.Name)
	}
	var chosen []manifest.Suite
	for i, name := range names {
		at := slices.Index(known, name)
		switch {
		case at < 0:
			return nil, usage("suite: no %q in %s, which has %s", name, e.suitesDir(), strings.Join(known, ", "))
		case slices.Contains(names[:i], name):
			return nil, usage("suite: %q is named twice", name)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// choose turns auto into the accelerator that the machine's kernel is proven to run under.
func choose(ctx context.Context, store *kernels.Store, m vmtest.Machine, want string) (string, error) {
	prober := vmtest.Prober{Cache: filepath.Join(store.Dir, "kvm"), Guest: m.Guest, QEMU: m.QEMU}
	accel, _, err := prober.Choose(ctx, want, m.Kernel)
	return accel, err
}

func (e *env) completeSuites(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	suites, err := manifest.Find(e.suitesDir())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []cobra.Completion
	for _, s := range suites {
		out = append(out, cobra.CompletionWithDesc(s.Name, s.About))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
