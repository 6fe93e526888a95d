package sockmap

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/lab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// What it costs to observe: requests of the churn without any observer, with
// krepro's (judged as in a spec), and with bpftrace, where the guest has it,
// printing what the same probes see. The three take turns, so that a machine
// that changes its pace is the same to each.
//
// It is run by BenchmarkObserving of cmd/krepro.
func BenchmarkObserving(b *testing.B) {
	const turns, requests = 4, 500
	bare, err := lab.OpenUnobserved(1)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	ways := []way{{"none", nothing}, {"krepro", krepro}}
	if _, err := os.Stat(bpftracePath); err == nil {
		ways = append(ways, way{"bpftrace", bpftrace})
	}
	took := map[string]time.Duration{}
	for range turns {
		for _, w := range ways {
			took[w.name] += w.turn(b, bare, requests)
		}
	}
	for _, w := range ways {
		b.ReportMetric(turns*requests/took[w.name].Seconds(), w.name+"_requests/s")
	}
}

// way is a way to observe: start begins it and returns how to end it.
type way struct {
	name  string
	start func(*lab.Lab) (stop func() error, err error)
}

func (w way) turn(b *testing.B, l *lab.Lab, requests int) time.Duration {
	b.Helper()
	if err := errors.Join(l.Accel.Reset(), l.Accel.Configure(accel.Config{Flags: accel.NoExist, Redirect: true})); err != nil {
		b.Fatal(err)
	}
	stop, err := w.start(l)
	if err != nil {
		b.Fatal(w.name, ": ", err)
	}
	listener, err := probe.Listen(l.Pods[0], false, port)
	if err != nil {
		b.Fatal(err)
	}
	server := probe.Serve(listener)
	p := &probe.Prober{
		From: l.Node, To: netip.AddrPortFrom(l.Pods[0].V4, port),
		Connect: 10 * time.Second, Answer: 10 * time.Second, Server: server,
	}
	tally := evidence.NewTally()
	began := time.Now()
	err = p.Churn(requests, func(i int) uint16 { return lab.FirstPort + uint16(i%32) }, func(o probe.Outcome) {
		if o.Class != probe.OK {
			b.Error(o)
		}
		if l.Observer != nil {
			if err := l.Judge(tally, o, observe.BPF); err != nil {
				b.Error(err)
			}
		}
	})
	took := time.Since(began)
	if err := errors.Join(err, server.Close(), stop()); err != nil {
		b.Fatal(err)
	}
	return took
}

func nothing(*lab.Lab) (func() error, error) { return func() error { return nil }, nil }

func krepro(l *lab.Lab) (func() error, error) {
	if err := l.Observe(); err != nil {
		return nil, err
	}
	return l.StopObserving, l.Begin(accel.Config{Flags: accel.NoExist, Redirect: true})
}

const bpftracePath = "/usr/bin/bpftrace"

// script prints what bpf/observe.c records, at the same probes.
const script = `
BEGIN { printf("ready\n"); }
kprobe:inet_recvmsg { $sk = ((struct socket *)arg0)->sk; printf("%lu recvmsg %p %p %d %s\n", nsecs, $sk, $sk->__sk_common.skc_prot->recvmsg, tid, kstack(24)); }
kprobe:inet6_recvmsg { $sk = ((struct socket *)arg0)->sk; printf("%lu recvmsg %p %p %d %s\n", nsecs, $sk, $sk->__sk_common.skc_prot->recvmsg, tid, kstack(24)); }
kprobe:tcp_set_state { $sk = (struct sock *)arg0; printf("%lu state %p %d %d %d %s\n", nsecs, $sk, $sk->__sk_common.skc_state, arg1, tid, kstack(24)); }
kprobe:sk_psock_drop { $sk = (struct sock *)arg0; printf("%lu drop %p %p %d %s\n", nsecs, $sk, $sk->__sk_common.skc_prot->recvmsg, tid, kstack(24)); }
kprobe:tcp_bpf_sendmsg_redir { $sk = (struct sock *)arg0; printf("%lu delivered %p %d %d %d\n", nsecs, $sk, $sk->__sk_common.skc_state, arg3, tid); }
`

func bpftrace(*lab.Lab) (func() error, error) {
	cmd := exec.Command(bpftracePath, "--btf", "-e", script)
	// By itself 0.17 asks 5.10 for the names of BTF objects, which that does not tell.
	cmd.Env = append(os.Environ(), "BPFTRACE_BTF=/sys/kernel/btf/vmlinux")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "ready") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-read:
		return nil, errors.Join(errors.New("bpftrace did not start"), cmd.Wait())
	}
	return func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
		<-read
		return cmd.Wait()
	}, nil
}
