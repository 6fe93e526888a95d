package explain

import (
	"fmt"
	"net/netip"

	"github.com/krepro/krepro/harness/event"
)

const sampleSpec = "listener closed with unaccepted connections SOCKHASH, BPF_NOEXIST, IPv4 leaves the 4-tuples usable: dispatch stays on tcp_bpf_recvmsg, no request is stuck"

// Stacks of the sample.
const (
	listenStop = iota + 1
	updateDrop
	closeDrop
	plainRead
	bpfRead
)

func sampleStacks() map[int]event.Stack {
	out := map[int]event.Stack{}
	for id, names := range map[int][]string{
		listenStop: {"tcp_set_state", "tcp_done", "inet_csk_destroy_sock", "inet_child_forget", "inet_csk_listen_stop", "tcp_close", "inet_release", "__sock_release", "sock_close", "__fput"},
		updateDrop: {"sk_psock_drop", "sock_hash_update_common", "bpf_sock_hash_update", "bpf_prog_7aa9a870410635af_sockops", "__cgroup_bpf_run_filter_sock_ops", "tcp_init_transfer", "tcp_rcv_state_process"},
		closeDrop:  {"sk_psock_drop", "sock_map_remove_links", "sock_map_close", "inet_release", "__sock_release", "sock_close"},
		plainRead:  {"inet_recvmsg", "sock_read_iter", "new_sync_read", "vfs_read", "ksys_read", "do_syscall_64"},
		bpfRead:    {"inet_recvmsg", "sock_read_iter", "new_sync_read", "vfs_read", "ksys_read", "do_syscall_64"},
	} {
		s := event.Stack{ID: id}
		for i, n := range names {
			s.Frames = append(s.Frames, event.Frame{Address: fmt.Sprintf("0xffffffff8178%04x", id*256+i*16), Symbol: n, Offset: uint64(16 * (i + 1))})
		}
		out[id] = s
	}
	return out
}

// sampleSocket is the life of a socket that was accelerated and then closed.
func sampleSocket(cookie uint64, op string, t float64) *event.Socket {
	return &event.Socket{
		Cookie:    cookie,
		Address:   fmt.Sprintf("0xffff88800%07x", cookie),
		Before:    &event.TCPInfo{T: t + 0.003, State: "ESTABLISHED", SegsOut: 2, SegsIn: 1, BytesAcked: 1},
		After:     &event.TCPInfo{T: t + 0.020, State: "ESTABLISHED", SegsOut: 2, SegsIn: 1, BytesAcked: 1, LastSent: 17, LastReceived: 17},
		Update:    &event.Update{T: t + 0.0011, Op: op},
		Redirects: &event.Redirects{First: t + 0.007, Redirected: 1},
		Handlers:  []event.Handler{{Symbol: "tcp_bpf_recvmsg", Address: "0xffffffff817a1230", Calls: 2}},
		Moments: []event.Moment{
			{T: t + 0.0008, Kind: event.MomentState, From: "SYN_SENT", To: "ESTABLISHED"},
			{T: t + 0.001, Kind: event.MomentProto, Proto: "0xffffffff82c65800", Handler: "tcp_bpf_recvmsg"},
			{T: t + 0.008, Kind: event.MomentDelivered, Bytes: 78, State: "ESTABLISHED"},
			{T: t + 0.009, Kind: event.MomentRecvmsg, Proto: "0xffffffff82c65800", Handler: "tcp_bpf_recvmsg", Thread: 231, Stack: bpfRead},
			{T: t + 0.025, Kind: event.MomentDrop, Proto: "0xffffffff82c65800", Handler: "tcp_bpf_recvmsg", Thread: 231, Stack: closeDrop},
			{T: t + 0.026, Kind: event.MomentState, From: "LAST_ACK", To: "CLOSE"},
		},
	}
}

func sampleConnection(trial int, t float64) event.Connection {
	client := netip.AddrPortFrom(netip.MustParseAddr("198.18.0.1"), uint16(40960+trial))
	server := netip.MustParseAddrPort("198.19.0.1:8080")
	return event.Connection{
		Trial:  trial,
		Client: event.Endpoint{Role: "node", Netns: 4026531840, Addr: client, Socket: sampleSocket(uint64(2*trial+1001), "active", t)},
		Server: event.Endpoint{Role: "pod1", Netns: 4026532211, Addr: server, Socket: sampleSocket(uint64(2*trial+1002), "passive", t+0.0002)},
		Began:  t, Connected: t + 0.002, Sent: t + 0.007, Ended: t + 0.021, Class: "ok", Request: 78,
		Packets: []event.Packet{
			{T: t + 0.0003, FromClient: true, Flags: "S", Seq: 1200, Wire: 60},
			{T: t + 0.0006, Flags: "S.", Seq: 99000, Ack: 1201, Wire: 60},
			{T: t + 0.0009, FromClient: true, Flags: ".", Seq: 1201, Ack: 99001, Wire: 52},
		},
	}
}

// sampleStuck is a connection whose server's update was refused, and the entry
// that was in its way.
func sampleStuck(trial int, t float64) (event.Connection, event.Entry) {
	c := sampleConnection(trial, t)
	c.Class, c.Error, c.Symptoms = "read-timeout", "no answer for 1.5 s", []event.Symptom{event.Exists, event.WrongHandler, event.Stuck}
	c.Control, c.Ended = t+1.6, t+1.75
	c.Client.Socket.After.T, c.Client.Socket.Moments = t+1.7, c.Client.Socket.Moments[:2]
	c.Client.Socket.Handlers = nil
	s := c.Server.Socket
	s.Update.Return, s.Update.Errno = -17, "EEXIST"
	s.After.T = t + 1.71
	s.Redirects = nil
	s.Handlers = []event.Handler{{Symbol: "tcp_recvmsg", Address: "0xffffffff817a4560", Calls: 2}}
	s.Moments = []event.Moment{
		{T: t + 0.001, Kind: event.MomentState, From: "SYN_RECV", To: "ESTABLISHED"},
		{T: t + 0.00102, Kind: event.MomentProto, Proto: "0xffffffff82c65800", Handler: "tcp_bpf_recvmsg"},
		{T: t + 0.00105, Kind: event.MomentDrop, Proto: "0xffffffff82c65800", Handler: "tcp_bpf_recvmsg", Stack: updateDrop},
		{T: t + 0.006, Kind: event.MomentRecvmsg, Proto: "0xffffffff82257300", Handler: "tcp_recvmsg", Thread: 233, Stack: plainRead},
		{T: t + 0.0062, Kind: event.MomentRecvmsg, Proto: "0xffffffff82257300", Handler: "tcp_recvmsg", Thread: 233, Stack: plainRead},
	}
	dead := sampleSocket(uint64(13000+trial), "passive", t-3)
	dead.Before, dead.After, dead.Redirects, dead.Handlers = nil, nil, nil, nil
	dead.Moments = append(dead.Moments[:2],
		event.Moment{T: t - 1.2, Kind: event.MomentState, From: "ESTABLISHED", To: "CLOSE", Stack: listenStop},
		event.Moment{T: t + 0.0071, Kind: event.MomentDelivered, Bytes: 78, State: "CLOSE"})
	return c, event.Entry{
		T: t + 4, Map: "sockhash", Key: "c6120001000000000000000000000000c6130001000000000000000000000000010000001f900000a0000000", Value: "c832000000000000",
		Local: c.Server.Addr, Remote: c.Client.Addr, Trial: trial, Cookie: dead.Cookie, State: "CLOSE", Handler: "tcp_bpf_recvmsg", Socket: dead,
	}
}

// sampleReport is a kernel with so many good connections and stuck ones.
func sampleReport(kernel string, good, stuck int) Report {
	sp := Spec{Name: sampleSpec, Labels: []string{"trigger", "ipv4"}, State: event.Passed, Trials: good + stuck, Failures: stuck,
		Coverage: &event.Coverage{Connections: good + stuck, Recorded: good + stuck, Entries: stuck, EntriesRecorded: stuck,
			Classes: map[string]int{"ok": good}, Updates: map[string]int{"ok": 2*good + stuck}}}
	for i := range good {
		sp.Connections = append(sp.Connections, sampleConnection(i, 20+float64(i)*0.01))
	}
	for i := range stuck {
		c, e := sampleStuck(good+i, 30+float64(i)*0.002)
		sp.Connections, sp.Entries = append(sp.Connections, c), append(sp.Entries, e)
	}
	if stuck > 0 {
		sp.State = event.Failed
		sp.Coverage.Classes["read-timeout"], sp.Coverage.Updates["EEXIST"] = stuck, stuck
	}
	e := Evidence{
		Kernel: event.Kernel{Name: kernel, Banner: "Linux version " + kernel},
		Suites: []Suite{{Name: "sockmap", Stacks: sampleStacks(), Specs: []Spec{sp},
			Observers: []event.Observer{{Name: "state", Hook: "raw_tracepoint inet_sock_set_state"}, {Name: "entries", Lack: "no bpf_iter"}}}},
	}
	return Report{Evidence: e, Story: sampleStory(kernel, sp, stuck)}
}

func sampleStory(kernel string, sp Spec, stuck int) Story {
	s := Story{Kernel: kernel, Headline: fmt.Sprintf("%d of %d requests were stuck.", stuck, len(sp.Connections)), Watched: len(sp.Connections), Stuck: stuck, Stale: stuck,
		Paths:  []Path{{Name: "HTTP, node to pod", Result: "works", Trials: 20, Client: []string{"tcp_bpf_recvmsg 20"}}},
		Counts: []Count{{Suite: "sockmap", Spec: sp.Name, State: sp.State, Trials: sp.Trials, Failures: sp.Failures, Coverage: *sp.Coverage}},
		Losses: []string{"12 moments lost"},
		Absent: []Absent{{Observer: "entries", Why: "no bpf_iter"}},
		Causes: []Cause{{Text: "This kernel lacks the fix.", Inferred: true, Case: "sockhash-stale-entry"}},
	}
	if n := len(sp.Connections); n > 0 {
		s.Typical = &Chain{Suite: "sockmap", Spec: sp.Name, Title: "the last", Stuck: stuck > 0, Connection: sp.Connections[n-1],
			Links: []Link{{T: -1.2, Where: AtDead, What: "the listener was closed", Evidence: []string{"inet_csk_listen_stop+0x50"}}, {Where: AtClient, What: "connect(2)", Inferred: true}}}
		if stuck > 0 {
			s.Typical.Entry = &sp.Entries[len(sp.Entries)-1]
		}
	}
	return s
}
