// Package sockmap asks whether sockets leave a sockhash when they die, and
// whether every recvmsg on an accelerated connection goes to tcp_bpf_recvmsg.
//
// The specs close every descriptor before they look at the map. A socket that
// is dead but whose descriptor is open keeps its entry on every kernel to this
// day, as does one after connect(AF_UNSPEC): what that does to other connections
// is asked by specs of their own (label unfixed), and so are the ways around it
// (label remedy).
package sockmap

import (
	"net/netip"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/lab"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

func TestMain(m *testing.M) {
	if probe.IsChild() {
		os.Exit(probe.ChildMain())
	}
	os.Exit(m.Run())
}

func TestSockmap(t *testing.T) { evidence.Run(t, "sockmap") }

const (
	port    = 8080
	batch   = 50                      // connections of a spec that needs no more: what it looks for strikes each
	timeout = 1500 * time.Millisecond // for what has to work
	overdue = 150 * time.Millisecond  // for an answer; then a control is asked
)

var l *lab.Lab

var _ = BeforeSuite(func() {
	var err error
	l, err = lab.Open(2)
	if lacks := lab.Lacks(err); lacks != "" {
		evidence.Untestable(lacks)
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
})

// variant is a way to accelerate.
type variant struct {
	name   string
	config accel.Config
	v6     bool
}

func (v variant) String() string { return v.name }

func (v variant) labels() Labels {
	family := "ipv4"
	if v.v6 {
		family = "ipv6"
	}
	return Label(family)
}

// cilium is what Cilium v1.11.10 did.
var cilium = variant{name: "SOCKHASH, BPF_NOEXIST, IPv4", config: accel.Config{Flags: accel.NoExist, Redirect: true}}

// variants are those of the run's size: a quick run keeps to Cilium's
// configuration, in both address families.
func variants() []variant {
	if evidence.Size() == evidence.Quick {
		return everyVariant[:2]
	}
	return everyVariant
}

var everyVariant = []variant{
	cilium,
	{"SOCKHASH, BPF_NOEXIST, IPv6", cilium.config, true},
	{"SOCKHASH, BPF_ANY, IPv4", accel.Config{Flags: accel.Any, Redirect: true}, false},
	{"SOCKMAP, BPF_NOEXIST, IPv4", accel.Config{Flags: accel.NoExist, Redirect: true, Sockmap: true, ServerPort: port}, false},
	{"SOCKMAP, BPF_ANY, IPv4", accel.Config{Flags: accel.Any, Redirect: true, Sockmap: true, ServerPort: port}, false},
}

// bench is what one spec works with.
type bench struct {
	*evidence.Tally
	variant
	server *probe.Server // in this process, if there is one
}

// newBench begins a spec with an empty map and the variant's acceleration.
func newBench(v variant) *bench {
	GinkgoHelper()
	Expect(l.Begin(v.config)).To(Succeed())
	return &bench{Tally: evidence.NewTally().Watch(), variant: v}
}

// finish judges what the spec left behind, tells its evidence and submits the tally.
func (b *bench) finish() {
	GinkgoHelper()
	Expect(l.JudgeUpdates(b.Tally)).To(Succeed())
	Expect(l.JudgeAtRest(b.Tally)).To(Succeed())
	b.tell()
	b.Submit()
}

// tell streams the evidence of what has been judged.
func (b *bench) tell() {
	GinkgoHelper()
	Expect(l.Observer.Lost()).To(BeZero(), "recvmsg calls that the observer lost")
	Expect(l.Record()).To(Succeed())
}

// prober asks the server in pod1. Whether an overdue answer is the kernel's
// fault is told by a request over the ordinary path, from the remote node.
func (b *bench) prober(from *netlab.Host) *probe.Prober {
	p := b.plainProber(from)
	p.Control, p.Server = b.control, b.server
	return p
}

func (b *bench) plainProber(from *netlab.Host) *probe.Prober {
	return &probe.Prober{
		From: from, To: netip.AddrPortFrom(pod1().Addr(b.v6), port),
		Connect: evidence.Stretch(timeout), Answer: evidence.Stretch(overdue),
	}
}

func (b *bench) control() error {
	p := b.plainProber(remote())
	p.Answer = evidence.Stretch(timeout)
	var outcome probe.Outcome
	if err := p.Churn(1, func(int) uint16 { return 0 }, func(o probe.Outcome) { outcome = o }); err != nil {
		return err
	}
	return outcome.Err
}

// portOf is the source port of a trial, where each trial has its own.
func portOf(trial int) uint16 { return lab.FirstPort + uint16(trial) }

func node() *netlab.Host   { return l.Node }
func remote() *netlab.Host { return l.Remote }
func pod1() *netlab.Host   { return l.Pods[0] }
func pod2() *netlab.Host   { return l.Pods[1] }
