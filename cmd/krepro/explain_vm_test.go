package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/explain"
)

// What krepro explain must say of a stuck connection on a kernel that is
// affected, one row for each kind of evidence. A row is a link's place, a
// pattern for what it says and one for its evidence.
var linksOfStuck = []struct{ evidence, where, what, lines string }{
	{"who connected, and in which namespaces", explain.AtClient, `^connect\(2\) from \S+:\d+ to \S+:8080$`, `client: node, netns \d+; server: pod1, netns \d+`},
	{"TCP states", explain.AtServer, `^ESTABLISHED: socket \d+$`, `struct sock 0xffff[0-9a-f]{12}`},
	{"the outcome's class", explain.AtClient, `^given up: no answer$`, `i/o timeout`},
	{"TCP_INFO before and after, server", explain.AtServer, `^after the request: segs_out/segs_in (\d+/\d+), before`, `FIONREAD 0`},
	{"the stuck signature", explain.AtClient, `^the stuck signature: segs_out/segs_in 2/1 stays 2/1: the request of \d+ bytes left write\(2\) and passed no segment$`, ``},
	{"packets: the handshake", explain.AtWire, `^handshake on the pod's device: 3 segments$`, `client > server Flags \[S\].*\n.*Flags \[S\.\].*\n.*Flags \[\.\]`},
	{"packets: no data", explain.AtWire, `^no segment on the pod's device carried payload$`, ``},
	{"sk_prot as installed", explain.AtServer, `^sk_prot installed: recvmsg is tcp_bpf_recvmsg$`, `sk_prot 0x[0-9a-f]{16}, recvmsg tcp_bpf_recvmsg at 0x[0-9a-f]{16}`},
	{"the handler that recvmsg went to, and its stack", explain.AtServer, `^recvmsg goes to tcp_recvmsg$`, `sk_prot 0x[0-9a-f]{16}, recvmsg tcp_recvmsg at 0x[0-9a-f]{16}(?s:.*)inet_recvmsg\+\d+\n`},
	{"the client's handler", explain.AtClient, `^recvmsg goes to tcp_bpf_recvmsg$`, `inet_recvmsg\+\d+\n`},
	{"when the handler changed, and under what", explain.AtServer, `^sk_psock_drop: socket \d+ loses its psock within the map update$`,
		`sk_psock_drop\+\d+\n  sock_hash_update_common\+\d+\n  bpf_sock_hash_update\+\d+\n  bpf_prog_[0-9a-f]+_establish\+\d+\n`},
	{"the map update's return code", explain.AtMap, `^entry of the server's socket \d+ refused: EEXIST$`, `passive end: the map's update returned -17`},
	{"the redirect's verdict", explain.AtClient, `^sk_msg program: 1 sendmsg redirected, 0 without a peer`, ``},
	{"where the request went", explain.AtDead, `^\d+ bytes of the client's sendmsg delivered to socket \d+, in state CLOSE$`, ``},
	{"how the entry came to be stale", explain.AtDead, `^socket \d+ is destroyed: its listener went while nobody had accepted it`, `inet_csk_listen_stop\+\d+\n`},
	{"the map at rest, raw and decoded", explain.AtMap, `^at rest, every descriptor closed: the entry is still there, stale for \d+\.\d+ s$`,
		`c6 12 00 01 (?s:.*)decoded: socket 198\.19\.0\.1:8080, peer 198\.18\.0\.1:\d+\n(?s:.*)state CLOSE, port 0, recvmsg tcp_bpf_recvmsg, no descriptor, not listed by sock_diag`},
}

// Every kind of evidence is there on a kernel that is affected, and none of
// what makes a connection stuck on one that is fixed.
func TestExplainDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	if code, _ := e.call(t, "run", "--out", dir, "--suite", "sockmap", "--size", "quick",
		"--label-filter", "(trigger || narrow-down) && !ipv6", "--kernel", "debian:5.10.218-1", "--kernel", "debian:5.10.223-1"); code != 0 {
		t.Fatalf("exit code %d, want 0", code)
	}
	code, out := e.call(t, "explain", dir, "--json")
	var whole struct{ Kernels []explain.Report }
	if err := json.Unmarshal([]byte(out), &whole); err != nil || code != 0 || len(whole.Kernels) != 2 {
		t.Fatalf("exit code %d, %v, %d kernels", code, err, len(whole.Kernels))
	}
	t.Run("5.10.218-1", func(t *testing.T) { checkStuck(t, whole.Kernels[0].Story) })
	t.Run("5.10.223-1", func(t *testing.T) { checkGood(t, whole.Kernels[1].Story) })
}

func checkStuck(t *testing.T, s explain.Story) {
	checkWhole(t, s)
	if s.Typical == nil || !s.Typical.Stuck {
		t.Fatalf("%s: no stuck connection is told", s.Headline)
	}
	for _, want := range linksOfStuck {
		t.Run(want.evidence, func(t *testing.T) {
			what, lines := regexp.MustCompile(want.what), regexp.MustCompile(want.lines)
			for _, l := range s.Typical.Links {
				if l.Where == want.where && what.MatchString(l.What) && lines.MatchString(strings.Join(l.Evidence, "\n")+"\n") {
					return
				}
			}
			t.Errorf("no link at the %s says %s with %s", want.where, want.what, want.lines)
		})
	}
}

func checkGood(t *testing.T, s explain.Story) {
	checkWhole(t, s)
	if s.Stuck != 0 || s.Stale != 0 || s.Watched == 0 || s.Typical == nil || s.Typical.Stuck {
		t.Errorf("%s", s.Headline)
	}
	for _, l := range s.Typical.Links {
		for _, bad := range []string{"signature", "EEXIST", "within the map update", "goes to tcp_recvmsg", "at rest"} {
			if strings.Contains(l.What, bad) {
				t.Errorf("a good connection has the link %q", l.What)
			}
		}
	}
}

// checkWhole asks of any kernel that nothing was lost, lacking or contradicted.
func checkWhole(t *testing.T, s explain.Story) {
	if len(s.Losses)+len(s.Absent)+len(s.Contradictions) > 0 {
		t.Errorf("lost: %q; not observed: %v; contradictions: %q", s.Losses, s.Absent, s.Contradictions)
	}
	for _, p := range s.Paths[:5] {
		if p.Result != "works" {
			t.Errorf("path %s: %s", p.Name, p.Result)
		}
	}
}
