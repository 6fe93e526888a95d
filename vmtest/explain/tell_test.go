package explain

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// evidence is the test data: two stuck connections and a good one, made by hand.
func evidence(t *testing.T) Evidence {
	t.Helper()
	e, err := Read(os.DirFS("testdata/stuck"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every link is there, in the order of time, with the evidence for it.
func TestTellStuck(t *testing.T) {
	c := Tell(evidence(t), nil, Filter{}).Typical
	if c == nil || !c.Stuck || c.Entry == nil {
		t.Fatalf("typical connection: %+v, want a stuck one with its entry", c)
	}
	want := []struct{ where, what, evidence string }{
		{AtDead, "ESTABLISHED: socket 201, 198.19.0.1:8080 < 198.18.0.1:40960", "struct sock 0xffff888004c000c9"},
		{AtMap, "entry of the earlier connection's socket 201 inserted", "returned 0"},
		{AtDead, "socket 201 is destroyed: its listener went while nobody had accepted it (inet_csk_listen_stop)", "  inet_csk_listen_stop+311"},
		{AtMap, "its entry stays", "1.300 s later, under the same cookie 201"},
		{AtClient, "connect(2) from 198.18.0.1:40960 to 198.19.0.1:8080", "client: node, netns 4026532001; server: pod1, netns 4026532099"},
		{AtWire, "handshake on the pod's device: 3 segments", "server > client Flags [S.], seq 500, ack 101, length 0"},
		{AtClient, "sk_prot installed: recvmsg is tcp_bpf_recvmsg", "sk_prot 0xffffffff82c65800, recvmsg tcp_bpf_recvmsg at 0xffffffff81a3c4d0"},
		{AtMap, "entry of the client's socket 301 inserted", "active end"},
		{AtServer, "sk_prot installed: recvmsg is tcp_bpf_recvmsg", "sk_prot 0xffffffff82c65800"},
		{AtServer, "sk_psock_drop: socket 302 loses its psock within the map update", "  sock_hash_update_common+789"},
		{AtServer, "sk_prot is put back with it: recvmsg is tcp_recvmsg from here on", "at the next recvmsg: sk_prot 0xffffffff82657300"},
		{AtMap, "entry of the server's socket 302 refused: EEXIST", "returned -17"},
		{AtServer, "recvmsg goes to tcp_recvmsg", "  tcp_recvmsg+1"},
		{AtClient, "before the request: segs_out/segs_in 2/1", "bytes_acked 1, bytes_received 0"},
		{AtClient, "sk_msg program: 1 sendmsg redirected, 0 without a peer in the map", ""},
		{AtClient, "request written: 93 bytes", ""},
		{AtDead, "93 bytes of the client's sendmsg delivered to socket 201, in state CLOSE", ""},
		{AtClient, "recvmsg goes to tcp_bpf_recvmsg", "  inet_recvmsg+233"},
		{AtClient, "the answer is overdue; the same server has answered a control request over the ordinary path", ""},
		{AtClient, "the stuck signature: segs_out/segs_in 2/1 stays 2/1: the request of 93 bytes left write(2) and passed no segment", ""},
		{AtServer, "after the request: segs_out/segs_in 1/2, before 1/2", "FIONREAD 0"},
		{AtClient, "given up: no answer", "i/o timeout"},
		{AtWire, "no segment on the pod's device carried payload", "3 segments in all"},
		{AtMap, "at rest, every descriptor closed: the entry is still there, stale for 1.300 s", "c6 12 00 01 00 00 00 00  00 00 00 00 00 00 00 00"},
	}
	next := 0
	for _, w := range want {
		at := slices.IndexFunc(c.Links[next:], func(l Link) bool { return l.Where == w.where && l.What == w.what })
		if at < 0 {
			t.Fatalf("no link %q at the %s after %q", w.what, w.where, c.Links[max(next-1, 0)].What)
		}
		next += at + 1
		if text := strings.Join(c.Links[next-1].Evidence, "\n"); !strings.Contains(text, w.evidence) {
			t.Errorf("%s: evidence %q, want %q", w.what, text, w.evidence)
		}
	}
	if !slices.IsSortedFunc(c.Links, func(a, b Link) int { return int((a.T - b.T) * 1e9) }) {
		t.Error("the links are not in the order of time")
	}
}

// What no record shows is marked, and nothing else is.
func TestTellInferred(t *testing.T) {
	var got []string
	for _, l := range Tell(evidence(t), nil, Filter{}).Typical.Links {
		if l.Inferred {
			got = append(got, l.What)
		}
	}
	want := []string{"sk_prot is put back with it: recvmsg is tcp_recvmsg from here on", "nobody can read them: no descriptor leads to that socket"}
	if !slices.Equal(got, want) {
		t.Errorf("inferred links %q, want %q", got, want)
	}
}

// A good connection is told without any of the links that make one stuck.
func TestTellGood(t *testing.T) {
	s := Tell(evidence(t), nil, Filter{Spec: "narrow-down"})
	c := s.Typical
	if c == nil || c.Stuck || c.Entry != nil || c.Connection.Class != ok {
		t.Fatalf("typical connection: %+v, want a good one", c)
	}
	for _, l := range c.Links {
		for _, bad := range []string{"stuck", "refused", "tcp_recvmsg", "within the map update", "at rest"} {
			if strings.Contains(l.What, bad) {
				t.Errorf("link %q speaks of %q", l.What, bad)
			}
		}
	}
	if len(s.Counts) != 2 || s.Total.Connections != 42 {
		t.Errorf("%d specs counted, %d connections in all; want 2, 42", len(s.Counts), s.Total.Connections)
	}
}

func TestTellCounts(t *testing.T) {
	s := Tell(evidence(t), nil, Filter{})
	if s.Kernel != "5.10.218-1 cloud-amd64" || s.Headline != "2 of 42 connections were stuck, 2 entries stayed in the map" {
		t.Errorf("%s: %s", s.Kernel, s.Headline)
	}
	if s.Watched != 42 || s.Stuck != 2 || s.Stale != 2 || s.Total.Updates["EEXIST"] != 2 || s.Total.Updates["ok"] != 46 {
		t.Errorf("%d watched, %d stuck, %d stale, updates %v", s.Watched, s.Stuck, s.Stale, s.Total.Updates)
	}
	want := []string{"works 20 [] []", "not run 0 [] []", "works 20 [tcp_recvmsg 20] [tcp_recvmsg 20]", "not run 0 [] []",
		"works 20 [tcp_bpf_recvmsg 20] [tcp_bpf_recvmsg 20]", "fails 2 [tcp_bpf_recvmsg 2] [tcp_recvmsg 2]"}
	for i, p := range s.Paths {
		if got := fmt.Sprint(p.Result, " ", p.Trials, " ", p.Client, " ", p.Server); got != want[i] {
			t.Errorf("path %s: %s, want %s", p.Name, got, want[i])
		}
	}
	if len(s.Contradictions) > 0 {
		t.Errorf("contradictions: %q", s.Contradictions)
	}
}

// What is missing from the evidence is said.
func TestTellLosses(t *testing.T) {
	e := evidence(t)
	spec := &e.Suites[0].Specs[len(e.Suites[0].Specs)-1]
	e.Torn = 1
	spec.Coverage.Recorded, spec.Coverage.EntriesRecorded = 5, 3
	spec.Connections[1].Server.Socket.Lost = 7
	s := Tell(e, nil, Filter{})
	all := strings.Join(s.Losses, "\n")
	for _, want := range []string{"1 line of the event channel", "lost by the observer: recvmsg 3", "5 connection records written, 2 arrived",
		"3 entry records written, 2 arrived", "7 moments lost"} {
		if !strings.Contains(all, want) {
			t.Errorf("losses %q: no %q", all, want)
		}
	}
	if want := []Absent{{"symbols", "/proc/kallsyms hides addresses"}}; !slices.Equal(s.Absent, want) {
		t.Errorf("absent %v, want %v", s.Absent, want)
	}
	spec.Entries[0].Cookie++
	if s := Tell(e, nil, Filter{}); len(s.Contradictions) != 1 || !strings.Contains(s.Contradictions[0], "the value says cookie 201") {
		t.Errorf("contradictions: %q", s.Contradictions)
	}
}

// The specs that plant entries by hand count for nothing.
func TestTellControl(t *testing.T) {
	e := evidence(t)
	spec := &e.Suites[0].Specs[len(e.Suites[0].Specs)-1]
	spec.Labels = []string{"control"}
	s := Tell(e, []Case{staleCase("affected")}, Filter{})
	if s.Stuck != 0 || s.Stale != 0 || s.Typical.Stuck || strings.Contains(fmt.Sprint(s.Causes), "stale entries recorded") {
		t.Errorf("%d stuck, %d stale, typical %s, causes %v", s.Stuck, s.Stale, s.Typical.Title, s.Causes)
	}
}

func TestTellNothing(t *testing.T) {
	s := Tell(Evidence{Kernel: event.Kernel{Ref: "x"}}, []Case{staleCase("")}, Filter{})
	if s.Kernel != "x" || s.Headline != "no connection was recorded" || s.Typical != nil || len(s.Causes) != 0 {
		t.Errorf("story of nothing: %+v", s)
	}
}

func TestCauses(t *testing.T) {
	good := evidence(t)
	last := len(good.Suites[0].Specs) - 1
	good.Suites[0].Specs[last] = Spec{Name: good.Suites[0].Specs[last].Name, State: event.Passed}
	strange := evidence(t)
	strange.Suites[0].Specs[last].Findings[0].Symptom = event.Crossed
	late := evidence(t)
	server := late.Suites[0].Specs[last].Connections[0].Server.Socket
	server.Moments = append(server.Moments, event.Moment{T: 5.6, Kind: event.MomentDelivered, Bytes: 93})
	late.Suites[0].Specs[last].Entries[0].Socket.Moments = nil
	late.Suites[0].Specs[last].Entries[1].Socket = nil
	unfixed := staleCase("")
	unfixed.Fixed = Change{}
	tests := []struct {
		name  string
		e     Evidence
		c     Case
		wants []string
		not   string
	}{
		{"affected", evidence(t), staleCase("affected"), []string{
			"2 of 2 stale entries recorded: the socket was destroyed: its listener went while nobody had accepted it (inet_csk_listen_stop",
			"(inferred) a socket leaves the map in its close handler",
			"2 map updates refused with EEXIST",
			"of 2 such sockets recorded, 2 lost the psock within the update (sk_psock_drop under sock_hash_update_common), 2 read by tcp_recvmsg",
			"2 of 2 stuck connections recorded: the request was delivered to the socket behind the stale entry",
			"(inferred) this is sockhash-stale-entry: a socket stays; seen in 1 spec, by eexist, stale-entry, stuck, wrong-handler",
			`brought by b8b8315e39ff ("remove unhash"), in mainline since 5.16-rc1, in 5.10 since 5.10.80`,
			`fixed by d8616ee2affc ("fix"), in mainline since 6.0-rc1, in 5.10 since 5.10.222, in 5.15 since 5.15.79`,
			"(inferred) 5.10.218 has the bug, and no fix of it: it behaves so, and by its version that is expected"}, "contrary"},
		{"affected, against its version", evidence(t), staleCase("unaffected"), []string{"by its version the contrary is expected"}, "that is expected"},
		{"affected, of unknown version", evidence(t), staleCase(""), []string{"its version does not tell"}, "expected"},
		{"delivered elsewhere", late, staleCase(""), []string{
			"1 of 2 stuck connections recorded: the request was delivered to the server's own socket",
			"1 of 2 stuck connections recorded: the request went nobody knows where",
			"2 of 2 stale entries recorded: how its socket was destroyed is not recorded"}, "behind the stale entry"},
		{"no fix", evidence(t), unfixed, []string{"no fix is known"}, "fixed by"},
		{"unaffected", good, staleCase("unaffected"), []string{
			"(inferred) sockhash-stale-entry does not show in 1 spec: 5.10.218 does not have the bug, or has a fix of it, and by its version that is expected"}, "this is"},
		{"unaffected, no fix", good, unfixed, []string{"(inferred) sockhash-stale-entry does not show in 1 spec", "no fix is known"}, "fixed by"},
		{"another symptom with it", strange, staleCase("affected"), []string{"2 of 2 stale entries"}, "this is"},
	}
	for _, test := range tests {
		var got []string
		for _, c := range Tell(test.e, []Case{test.c}, Filter{}).Causes {
			if c.Inferred {
				c.Text = "(inferred) " + c.Text
			}
			got = append(got, c.Text)
		}
		all := strings.Join(got, "\n")
		for _, want := range test.wants {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, all)
			}
		}
		if strings.Contains(all, test.not) {
			t.Errorf("%s: %q in\n%s", test.name, test.not, all)
		}
	}
}

func TestFilterCheck(t *testing.T) {
	for conn, valid := range map[string]bool{
		"": true, "41005": true, "#7": true, "198.18.0.1:41005": true, "[fd00::1]:41005": true,
		"pod1": false, "#": false, "#x": false, "70000": false, "198.18.0.1": false, "198.18.0.1:x": false, "-1": false,
	} {
		if err := (Filter{Conn: conn}).Check(); (err == nil) != valid {
			t.Errorf("%q: error %v, want valid = %v", conn, err, valid)
		}
	}
}
