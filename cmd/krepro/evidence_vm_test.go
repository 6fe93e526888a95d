package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
	"github.com/krepro/krepro/vmtest/explain"
)

const reused = "listener closed with unaccepted connections SOCKHASH, BPF_NOEXIST, IPv4 leaves the 4-tuples usable: " +
	"dispatch stays on tcp_bpf_recvmsg, no request is stuck"

// The chain of evidence, link by link, on the kernel that has the bug: what the
// 2024 report "TCP Requests Stuck After Connection Established" found with ss,
// tcpdump, trace-cmd, bpftrace and bpftool. And none of its signs on the first
// Debian kernel with the fix.
func TestEvidenceChain(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	e.call(t, "run", "--out", dir, "--size", "quick", "--suite", "sockmap", "--focus", "IPv4|narrow-down|killed",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:5.10.223-1")
	t.Run("5.10.218-1", func(t *testing.T) {
		s := suiteOf(t, filepath.Join(dir, "debian-5.10.218-1-cloud-amd64"))
		stuck := slices.DeleteFunc(slices.Clone(s.spec(t, reused).Connections), func(c event.Connection) bool { return c.Class != "read-timeout" })
		if len(stuck) < 20 {
			t.Fatalf("%d stuck connections are recorded, want at least 20", len(stuck))
		}
		for name, check := range links {
			t.Run(name, func(t *testing.T) {
				for _, c := range stuck {
					check(t, s, c)
				}
			})
		}
	})
	t.Run("5.10.223-1", func(t *testing.T) { noSign(t, suiteOf(t, filepath.Join(dir, "debian-5.10.223-1-cloud-amd64"))) })
}

// recorded is a suite's evidence.
type recorded struct {
	explain.Suite
	dir string // of its VM
}

func suiteOf(t *testing.T, dir string) recorded {
	t.Helper()
	evidence, err := explain.Read(os.DirFS(dir))
	if err != nil || len(evidence.Suites) != 1 || evidence.Torn != 0 {
		t.Fatalf("evidence of %d suites, %d torn lines, %v", len(evidence.Suites), evidence.Torn, err)
	}
	s := recorded{evidence.Suites[0], dir}
	for _, o := range s.Observers {
		if o.Lack != "" {
			t.Errorf("observer %s is not available: %s", o.Name, o.Lack)
		}
	}
	for _, spec := range s.Specs {
		if spec.Coverage == nil {
			t.Errorf("spec %q says nothing of its coverage", spec.Name)
		} else if len(spec.Coverage.Lost) > 0 {
			t.Errorf("spec %q lost %v", spec.Name, spec.Coverage.Lost)
		}
	}
	return s
}

func (s recorded) spec(t *testing.T, name string) explain.Spec {
	t.Helper()
	i := slices.IndexFunc(s.Specs, func(spec explain.Spec) bool { return spec.Name == name })
	if i < 0 {
		t.Fatalf("no spec %q", name)
	}
	return s.Specs[i]
}

// stack is a stack's symbols, innermost first, below one another in this order,
// others between them allowed.
func (s recorded) stack(t *testing.T, id int, want ...string) {
	t.Helper()
	var symbols []string
	for _, f := range s.Stacks[id].Frames {
		symbols = append(symbols, f.Symbol)
	}
	rest := symbols
	for _, w := range want {
		i := slices.IndexFunc(rest, func(symbol string) bool {
			begin, end, any := strings.Cut(w, "*")
			return symbol == w || any && strings.HasPrefix(symbol, begin) && strings.HasSuffix(symbol, end)
		})
		if i < 0 {
			t.Errorf("stack %d is %s: no %s where it should be", id, strings.Join(symbols, " < "), w)
			return
		}
		rest = rest[i+1:]
	}
}

// moments are those of a kind, and at least so many.
func moments(t *testing.T, s *event.Socket, kind string, least int) []event.Moment {
	t.Helper()
	var out []event.Moment
	for _, m := range s.Moments {
		if m.Kind == kind {
			out = append(out, m)
		}
	}
	if len(out) < least {
		t.Fatalf("socket %d has %d moments of kind %s, want %d at least: %+v", s.Cookie, len(out), kind, least, s.Moments)
	}
	return out
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// links are the checks of a stuck connection, one a link of the chain.
var links = map[string]func(t *testing.T, s recorded, c event.Connection){
	"1 who connected, and the TCP states over time": func(t *testing.T, _ recorded, c event.Connection) {
		equal(t, "client's role", c.Client.Role, "node")
		equal(t, "server's role", c.Server.Role, "pod1")
		equal(t, "client's port", int(c.Client.Addr.Port()), 40960+c.Trial)
		equal(t, "server's port", int(c.Server.Addr.Port()), 8080)
		if c.Client.Netns == 0 || c.Client.Netns == c.Server.Netns {
			t.Errorf("netns of node and pod: %d, %d", c.Client.Netns, c.Server.Netns)
		}
		if c.Began <= 0 || c.Connected < c.Began || c.Sent < c.Connected || c.Control < c.Sent || c.Ended < c.Control {
			t.Errorf("out of order: began %f connected %f sent %f control %f ended %f", c.Began, c.Connected, c.Sent, c.Control, c.Ended)
		}
		client, server := moments(t, c.Client.Socket, event.MomentState, 3), moments(t, c.Server.Socket, event.MomentState, 2)
		equal(t, "client's first state", client[0].To, "SYN_SENT")
		equal(t, "client's second state", client[1].To, "ESTABLISHED")
		equal(t, "server's first state", server[0].From+" > "+server[0].To, "SYN_RECV > ESTABLISHED")
		equal(t, "client's last state", client[len(client)-1].To, "CLOSE")
		equal(t, "server's last state", server[len(server)-1].To, "CLOSE")
	},
	"2 how the probe ended": func(t *testing.T, _ recorded, c event.Connection) {
		for _, symptom := range []event.Symptom{event.Stuck, event.WrongHandler, event.Exists} {
			if !slices.Contains(c.Symptoms, symptom) {
				t.Errorf("symptoms %v: no %s", c.Symptoms, symptom)
			}
		}
	},
	"3 TCP_INFO of both ends: 2/1 stays 2/1": func(t *testing.T, _ recorded, c event.Connection) {
		before, after := c.Client.Socket.Before, c.Client.Socket.After
		equal(t, "client before", chain.Segments(*before), "2/1")
		equal(t, "client after", chain.Segments(*after), "2/1")
		equal(t, "server's segments", chain.Segments(*c.Server.Socket.Before), chain.Segments(*c.Server.Socket.After))
		equal(t, "server's bytes received", c.Server.Socket.After.BytesReceived, 0)
		equal(t, "server's FIONREAD", c.Server.Socket.After.Readable, 0)
		if after.LastSent <= before.LastSent {
			t.Errorf("last data sent %d ms ago before, %d ms after: the stack has sent something", before.LastSent, after.LastSent)
		}
		if answer, said := chain.Signature(c); answer != chain.Yes {
			t.Errorf("the stuck signature is not recognised: %s", said)
		}
	},
	"4 packets: a handshake, no data, a close; and a pcap file": func(t *testing.T, s recorded, c event.Connection) {
		var flags []string
		for _, p := range c.Packets {
			flags = append(flags, p.Flags)
			equal(t, "payload of a packet", p.Payload, 0)
		}
		if got := strings.Join(flags, " "); !strings.HasPrefix(got, "S S. .") || !strings.Contains(got, "F.") {
			t.Errorf("packets: %s", got)
		}
		if c.Trial == 0 {
			equal(t, "packets in the pcap file", len(pcapOf(t, s.dir, c)), len(c.Packets))
		}
	},
	"5 the handler: installed, then another at each recvmsg": func(t *testing.T, _ recorded, c event.Connection) {
		installed := moments(t, c.Server.Socket, event.MomentProto, 1)[0]
		dropped := moments(t, c.Server.Socket, event.MomentDrop, 1)[0]
		equal(t, "installed", installed.Handler, "tcp_bpf_recvmsg")
		equal(t, "at the drop", dropped.Handler, "tcp_bpf_recvmsg")
		for _, m := range moments(t, c.Server.Socket, event.MomentRecvmsg, 1) {
			equal(t, "recvmsg", m.Handler, "tcp_recvmsg")
			if m.Proto == installed.Proto || m.T < dropped.T || dropped.T < installed.T {
				t.Errorf("installed %s at %f, dropped at %f, recvmsg with %s at %f", installed.Proto, installed.T, dropped.T, m.Proto, m.T)
			}
		}
		for _, m := range moments(t, c.Client.Socket, event.MomentRecvmsg, 1) {
			equal(t, "client's recvmsg", m.Handler, "tcp_bpf_recvmsg")
		}
		for _, h := range slices.Concat(c.Client.Socket.Handlers, c.Server.Socket.Handlers) {
			if !strings.HasPrefix(h.Address, "0xffffffff") {
				t.Errorf("address of %s: %s", h.Symbol, h.Address)
			}
		}
	},
	"6 the stacks of sk_psock_drop and of recvmsg": func(t *testing.T, s recorded, c event.Connection) {
		drop := moments(t, c.Server.Socket, event.MomentDrop, 1)[0]
		s.stack(t, drop.Stack, "sk_psock_drop", "sock_hash_update_common", "bpf_sock_hash_update", "bpf_prog_*_establish",
			"__cgroup_bpf_run_filter_sock_ops", "tcp_init_transfer", "tcp_rcv_state_process", "tcp_child_process", "tcp_v4_rcv")
		equal(t, "innermost frame", s.Stacks[drop.Stack].Frames[0].Symbol, "sk_psock_drop")
		s.stack(t, moments(t, c.Server.Socket, event.MomentRecvmsg, 1)[0].Stack, "inet_recvmsg", "do_syscall_64")
		good := s.spec(t, "narrow-down HTTP from node to pod: the accelerated path works").Connections[0]
		s.stack(t, moments(t, good.Server.Socket, event.MomentRecvmsg, 1)[0].Stack, "inet_recvmsg", "do_syscall_64")
		s.stack(t, moments(t, good.Server.Socket, event.MomentDrop, 1)[0].Stack, "sk_psock_drop", "sock_map_close", "inet_release")
	},
	"7 the map at rest: a stale entry, and how it came to be": func(t *testing.T, s recorded, c event.Connection) {
		entries := s.spec(t, reused).Entries
		i := slices.IndexFunc(entries, func(e event.Entry) bool { return e.Local == c.Server.Addr && e.Remote == c.Client.Addr })
		if i < 0 {
			t.Fatalf("no entry for %s among %d", c.Client.Addr, len(entries))
		}
		e := entries[i]
		if err := chain.CheckEntry(e); err != nil {
			t.Error(err)
		}
		equal(t, "raw key's length in hex", len(e.Key), 88)
		equal(t, "state", e.State, "CLOSE")
		equal(t, "port", e.Port, 0)
		equal(t, "held by a descriptor, listed by sock_diag", e.Held || e.Listed, false)
		last := moments(t, e.Socket, event.MomentState, 2)
		equal(t, "destroyed", chain.Destroyed(s.Stacks[last[len(last)-1].Stack].Frames).Way, chain.ByListener)
		if dropped := slices.ContainsFunc(e.Socket.Moments, func(m event.Moment) bool { return m.Kind == event.MomentDrop }); dropped {
			t.Errorf("its psock was dropped, and yet it is in the map: %+v", e.Socket.Moments)
		}
		delivered := moments(t, e.Socket, event.MomentDelivered, 1)[0]
		equal(t, "state of the socket that got the request", delivered.State, "CLOSE")
		if delivered.T < c.Client.Socket.Redirects.First-0.01 || delivered.T > c.Ended || int(delivered.Bytes) != c.Request {
			t.Errorf("delivered %d bytes at %f; sent %d at %f", delivered.Bytes, delivered.T, c.Request, c.Client.Socket.Redirects.First)
		}
	},
	"8 return codes of updates and redirects": func(t *testing.T, _ recorded, c event.Connection) {
		client, server := c.Client.Socket.Update, c.Server.Socket.Update
		if client == nil || server == nil || c.Client.Socket.Redirects == nil {
			t.Fatalf("updates %+v, %+v; redirects %+v", client, server, c.Client.Socket.Redirects)
		}
		equal(t, "client's", client.Op+" "+chain.Outcome(*client), "active ok")
		equal(t, "server's", server.Op+" "+chain.Outcome(*server), "passive EEXIST")
		equal(t, "server's return", server.Return, -17)
		equal(t, "redirected", c.Client.Socket.Redirects.Redirected, 1)
		equal(t, "without a peer", c.Client.Socket.Redirects.NoPeer, 0)
	},
}

func pcapOf(t *testing.T, dir string, c event.Connection) (packets [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "artefacts", "pcap", "*.pcap"))
	if err != nil || len(files) == 0 {
		t.Fatalf("pcap files: %v, %v", files, err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := pcapgo.NewReader(f)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		first, _, err := r.ReadPacketData()
		if err != nil || string(first) != string(c.Packets[0].Raw) {
			continue
		}
		for packets = [][]byte{first}; err == nil; {
			var p []byte
			if p, _, err = r.ReadPacketData(); err == nil {
				packets = append(packets, p)
			}
		}
		return packets
	}
	t.Fatalf("none of %d pcap files begins with the SYN of trial %d", len(files), c.Trial)
	return nil
}

// noSign holds that a suite's evidence has no sign of the bug.
func noSign(t *testing.T, s recorded) {
	t.Helper()
	seen := 0
	for _, spec := range s.Specs {
		if slices.Contains(spec.Labels, "restart") {
			continue // while the server is away, probes fail as they should
		}
		if len(spec.Entries) > 0 || spec.Coverage.Entries > 0 || spec.Coverage.Updates["EEXIST"] > 0 || spec.Coverage.Classes["read-timeout"] > 0 {
			t.Errorf("%s: %+v", spec.Name, spec.Coverage)
		}
		for _, c := range spec.Connections {
			seen++
			equal(t, spec.Name+": class", c.Class, "ok")
			if answer, said := chain.Signature(c); answer == chain.Yes {
				t.Errorf("%s: the stuck signature in a good connection: %s", spec.Name, said)
			}
			for _, m := range slices.Concat(c.Client.Socket.Moments, c.Server.Socket.Moments) {
				if m.Kind == event.MomentDrop && slices.ContainsFunc(s.Stacks[m.Stack].Frames, func(f event.Frame) bool { return f.Symbol == "sock_hash_update_common" }) {
					t.Errorf("%s: a psock was dropped in an update: trial %d", spec.Name, c.Trial)
				}
			}
		}
	}
	if seen < 5 { // the first good one of each spec that asks
		t.Errorf("only %d connections are recorded", seen)
	}
}
