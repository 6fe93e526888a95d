package observe

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// hook is a program and where it goes.
type hook struct {
	kind     string // fentry, fexit, kprobe, raw_tracepoint
	function string // or tracepoint
	program  string
}

func (h hook) String() string { return h.kind + " " + h.function }

// watch is one thing to see, and the hooks that show it, preferred first.
type watch struct {
	name  string // Name of event.Observer
	hooks []hook
}

// recvmsg must be observed; the rest is evidence.
const recvmsg = "recvmsg"

// redirect is called with the socket that a sendmsg is redirected to.
const redirect = "tcp_bpf_sendmsg_redir"

// A kprobe runs with preemption off. A fentry program does not, and since 5.11
// it is guarded against recursion: where another task preempts it on its CPU
// and calls the same function, that call is skipped. Seen on 7.2: one recvmsg
// in some hundred connections; with a raw tracepoint as well. So both are second
// choice, but for what only a function's end shows.
var watches = []watch{
	{recvmsg, []hook{{"kprobe", "inet_recvmsg", bpf.ObserveProgInetRecvmsgKprobe},
		{"fentry", "inet_recvmsg", bpf.ObserveProgInetRecvmsgFentry}}},
	{recvmsg, []hook{{"kprobe", "inet6_recvmsg", bpf.ObserveProgInet6RecvmsgKprobe},
		{"fentry", "inet6_recvmsg", bpf.ObserveProgInet6RecvmsgFentry}}},
	{"proto", []hook{{"fexit", "tcp_bpf_update_proto", bpf.ObserveProgTcpBpfUpdateProtoFexit},
		{"fexit", "tcp_bpf_get_proto", bpf.ObserveProgTcpBpfGetProtoFexit}}}, // its name in 5.10
	{"psock-drop", []hook{{"kprobe", "sk_psock_drop", bpf.ObserveProgSkPsockDropKprobe},
		{"fentry", "sk_psock_drop", bpf.ObserveProgSkPsockDropFentry}}},
	{"delivered", []hook{{"kprobe", redirect, bpf.ObserveProgTcpBpfSendmsgRedirKprobe},
		{"fentry", redirect, bpf.ObserveProgTcpBpfSendmsgRedirFentry}}},
	{"state", []hook{{"kprobe", "tcp_set_state", bpf.ObserveProgTcpSetStateKprobe},
		{"raw_tracepoint", "inet_sock_set_state", bpf.ObserveProgInetSockSetState}}},
}

// kprobePMU is there if the kernel has kprobes as perf events (perf_event_open(2)).
const kprobePMU = "/sys/bus/event_source/devices/kprobe/type"

// offer is what hooks there are.
type offer struct {
	kprobes bool
	types   *btf.Spec // of the functions that fentry and fexit can have; nil: of none
}

func (o offer) has(h hook) bool {
	switch h.kind {
	case "kprobe":
		return o.kprobes
	case "raw_tracepoint":
		return true
	}
	return parameters(o.types, h.function) != nil
}

// choose takes a hook for each watch; the zero hook where there is none.
func (o offer) choose() []hook {
	chosen := make([]hook, len(watches))
	for i, w := range watches {
		if at := slices.IndexFunc(w.hooks, o.has); at >= 0 {
			chosen[i] = w.hooks[at]
		}
	}
	return chosen
}

// hook loads and attaches the programs; if the kernel does not take those that
// need its BTF, without them.
func (o *Observer) hook(opts ebpf.CollectionOptions) error {
	types, noTypes := opts.Cache.Kernel()
	_, noKprobes := os.Stat(kprobePMU)
	has := offer{kprobes: noKprobes == nil && os.Getenv(event.EnvFentry) == "", types: types}
	err := o.install(opts, types, has.choose())
	if err == nil || noKprobes != nil || noTypes != nil {
		return err // there is no other way
	}
	if err := o.uninstall(); err != nil {
		return err
	}
	again := o.install(opts, types, offer{kprobes: true}.choose())
	if again != nil {
		return fmt.Errorf("%w; with fentry: %w", again, err)
	}
	return nil
}

func (o *Observer) install(opts ebpf.CollectionOptions, types *btf.Spec, chosen []hook) error {
	spec, err := bpf.LoadObserve()
	if err != nil {
		return err
	}
	keep(spec, chosen)
	at, known := argument(types, redirect, "bytes")
	if err := spec.Variables[bpf.ObserveVarRedirBytes].Set(at); err != nil {
		return fmt.Errorf("set argument of %s: %w", redirect, err)
	}
	if o.coll, err = ebpf.NewCollectionWithOptions(spec, opts); err != nil {
		return fmt.Errorf("load observer: %w", err)
	}
	o.taken = chosen
	o.lives = o.coll.Maps[bpf.ObserveMapLives]
	if o.memory, err = o.lives.Memory(); err != nil {
		return fmt.Errorf("map lives: %w", err)
	}
	for i, h := range chosen {
		err := o.attach(h)
		if h.function == redirect && !known {
			err = fmt.Errorf("the kernel's BTF does not say which argument of %s is the number of bytes", redirect)
		}
		if err != nil && watches[i].name == recvmsg {
			return err
		}
		o.note(watches[i].name, h.String(), err)
	}
	return nil
}

// keep leaves out the programs that are not chosen.
func keep(spec *ebpf.CollectionSpec, chosen []hook) {
	wanted := map[string]bool{}
	for _, h := range chosen {
		wanted[h.program] = true
	}
	for name := range spec.Programs {
		if !wanted[name] {
			delete(spec.Programs, name)
		}
	}
}

var errNoHook = fmt.Errorf("the kernel offers no hook for it: %w", ebpf.ErrNotSupported)

func (o *Observer) attach(h hook) (err error) {
	var l link.Link
	switch prog := o.coll.Programs[h.program]; h.kind {
	case "":
		return errNoHook
	case "kprobe":
		l, err = link.Kprobe(h.function, prog, nil)
	case "raw_tracepoint":
		l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: h.function, Program: prog})
	default:
		l, err = link.AttachTracing(link.TracingOptions{Program: prog})
	}
	if err != nil {
		return fmt.Errorf("attach %s: %w", h, err)
	}
	o.links = append(o.links, l)
	return nil
}

// uninstall undoes an install that failed on the way.
func (o *Observer) uninstall() error {
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	if o.coll != nil {
		o.coll.Close()
	}
	o.links, o.coll, o.Hooks = nil, nil, nil
	return errors.Join(errs...)
}

// parameters are those of a kernel function; nil if the BTF does not have it.
func parameters(types *btf.Spec, function string) []btf.FuncParam {
	var f *btf.Func
	if types == nil || types.TypeByName(function, &f) != nil {
		return nil
	}
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return nil
	}
	return proto.Params
}

// argument is the place of a function's argument, from 0.
func argument(types *btf.Spec, function, name string) (at uint8, ok bool) {
	for i, p := range parameters(types, function) {
		if p.Name == name {
			return uint8(i), true
		}
	}
	return 0, false
}
