package event

import (
	"fmt"
	"net/netip"
)

// Kinds on the event channel that carry evidence beyond findings. Data holds
// the type of the same name; docs/evidence.md is the schema for people.
const (
	ObserverRecord   Kind = "observer"   // what is observed, by which hook, or why not: Observer
	StackRecord      Kind = "stack"      // a kernel stack, once in a suite: Stack
	ConnectionRecord Kind = "connection" // Spec; one watched connection: Connection
	EntryRecord      Kind = "entry"      // Spec; one map entry at rest: Entry
	CoverageRecord   Kind = "coverage"   // Spec; what the records are a part of, and what was lost: Coverage
	CallGraphRecord  Kind = "callgraph"  // Spec; the kernel's calls below one recvmsg: CallGraph
)

// Observer is one thing that is watched in the kernel.
type Observer struct {
	Name string `json:"name"`            // state, proto, recvmsg, psock-drop, delivered, entries, packets, symbols
	Hook string `json:"hook,omitempty"`  // "fentry inet_recvmsg", "kprobe …", "raw_tracepoint …", "iter sockmap"; empty: not available
	Lack string `json:"lacks,omitempty"` // why it is not available
}

// Connection is the evidence of one watched connection. Times are seconds since
// the guest booted (CLOCK_BOOTTIME), on the kernel's and the suite's side alike.
type Connection struct {
	Trial     int       `json:"trial"`
	Client    Endpoint  `json:"client"` // who connected
	Server    Endpoint  `json:"server"`
	Began     float64   `json:"began"`               // connect(2) was called
	Connected float64   `json:"connected,omitempty"` // connect(2) had returned
	Sent      float64   `json:"sent,omitempty"`      // the request was written
	Control   float64   `json:"control,omitempty"`   // the answer was overdue, and a control request was answered
	Ended     float64   `json:"ended"`               // answered or given up
	Class     string    `json:"class"`               // ok, refused, reset, connect-timeout, read-timeout, … (probe.Class)
	Error     string    `json:"error,omitempty"`
	Request   int       `json:"request,omitempty"`  // bytes of the request that write(2) took
	Symptoms  []Symptom `json:"symptoms,omitempty"` // of the findings charged to it; none: a good one
	Packets   []Packet  `json:"packets,omitempty"`  // on the pod's device
	Missing   []Missing `json:"missing,omitempty"`
}

// Missing is a part of a record that could not be had.
type Missing struct {
	What string `json:"what"` // server socket, packets, moments, …
	Why  string `json:"why"`
}

// Endpoint is one end of a connection.
type Endpoint struct {
	Role   string         `json:"role"`  // node, pod1, pod2, remote
	Netns  uint64         `json:"netns"` // inode number, as in /proc/PID/ns/net
	Addr   netip.AddrPort `json:"addr"`
	Socket *Socket        `json:"socket,omitempty"` // nil: it never came to be, or Missing says why it is not known
}

// Socket is the life of one TCP socket.
type Socket struct {
	Cookie    uint64     `json:"cookie"`              // SO_COOKIE, socket(7)
	Address   string     `json:"address,omitempty"`   // of its struct sock, in hex
	Before    *TCPInfo   `json:"before,omitempty"`    // before the request
	After     *TCPInfo   `json:"after,omitempty"`     // at the end; a server that answers: as it writes the answer
	Update    *Update    `json:"update,omitempty"`    // the sockops program's map update; nil: none was tried
	Redirects *Redirects `json:"redirects,omitempty"` // of its sendmsg calls by the sk_msg program; nil: it sent nothing through it
	Handlers  []Handler  `json:"handlers,omitempty"`  // that its recvmsg calls went to, first used first
	Moments   []Moment   `json:"moments,omitempty"`   // in the order of time
	Lost      uint32     `json:"lost,omitempty"`      // moments that found no room
}

// TCPInfo is the part of TCP_INFO (tcp(7), linux/tcp.h) that tells where
// payload went, and FIONREAD with it.
type TCPInfo struct {
	T             float64 `json:"t"`
	State         string  `json:"state"` // ESTABLISHED, …
	SegsOut       uint32  `json:"segs_out"`
	SegsIn        uint32  `json:"segs_in"`
	BytesAcked    uint64  `json:"bytes_acked"`
	BytesReceived uint64  `json:"bytes_received"`
	LastSent      uint32  `json:"last_data_sent"` // milliseconds ago
	LastReceived  uint32  `json:"last_data_recv"` // milliseconds ago
	Readable      int     `json:"fionread"`       // bytes
}

func (i TCPInfo) String() string {
	return fmt.Sprintf("segs_out %d segs_in %d bytes_acked %d bytes_received %d FIONREAD %d",
		i.SegsOut, i.SegsIn, i.BytesAcked, i.BytesReceived, i.Readable)
}

// Update is the sockops program's insertion of a socket into the map.
type Update struct {
	T      float64 `json:"t"`
	Op     string  `json:"op"`              // active: the connecting end; passive: the accepting end
	Return int     `json:"return"`          // of bpf_sock_hash_update or bpf_sock_map_update: 0 or a negative errno
	Errno  string  `json:"errno,omitempty"` // EEXIST
}

// Redirects are the verdicts of the sk_msg program on one socket's sendmsg calls.
type Redirects struct {
	First      float64 `json:"first"` // the first of them
	Redirected uint64  `json:"redirected"`
	NoPeer     uint64  `json:"no_peer"` // the peer was not in the map: ordinary path
}

// Handler is a recvmsg handler, and how many calls went to it.
type Handler struct {
	Symbol  string `json:"symbol"`
	Address string `json:"address"` // in hex
	Calls   uint64 `json:"calls"`
}

// Kinds of moments.
const (
	MomentState     = "state"      // the TCP state changed: From, To; into CLOSE: Stack
	MomentProto     = "proto"      // sk_prot was installed as the socket entered the map: Proto, Handler
	MomentRecvmsg   = "recvmsg"    // recvmsg was called: Proto, Handler, Thread, mostly Stack
	MomentDrop      = "psock-drop" // sk_psock_drop: Proto, Handler as it was called; Stack
	MomentDelivered = "delivered"  // a peer's sendmsg was redirected to this socket: Bytes; State
)

// Moment is one thing that happened to a socket in the kernel.
type Moment struct {
	T       float64 `json:"t"`
	Kind    string  `json:"kind"`
	From    string  `json:"from,omitempty"`
	To      string  `json:"to,omitempty"`
	State   string  `json:"state,omitempty"`
	Proto   string  `json:"proto,omitempty"`   // address of sk->sk_prot, in hex
	Handler string  `json:"handler,omitempty"` // symbol of sk->sk_prot->recvmsg
	Bytes   uint32  `json:"bytes,omitempty"`
	Thread  uint32  `json:"thread,omitempty"` // thread id of the caller
	Stack   int     `json:"stack,omitempty"`  // ID of a stack of the same suite
}

// Stack is a kernel stack, innermost frame first.
type Stack struct {
	ID     int     `json:"id"` // from 1, within the suite
	Frames []Frame `json:"frames"`
}

// Frame is one return address of a stack.
type Frame struct {
	Address string `json:"address"`          // in hex
	Symbol  string `json:"symbol,omitempty"` // empty: the kernel has no name for it
	Offset  uint64 `json:"offset"`           // bytes into the function
	Module  string `json:"module,omitempty"` // "bpf" for a BPF program
}

// Entry is one entry of the map when every descriptor was closed.
type Entry struct {
	T       float64        `json:"t"`              // when it was looked at
	Map     string         `json:"map"`            // sockhash, sockmap
	Key     string         `json:"key"`            // raw bytes in hex; a sockhash's in Cilium's layout (v1.11, 44 bytes)
	Value   string         `json:"value"`          // raw bytes in hex: krepro's layout has the socket's cookie in 8 bytes
	Local   netip.AddrPort `json:"local,omitzero"` // own address of the socket, decoded from the key; zero in a sockmap
	Remote  netip.AddrPort `json:"remote,omitzero"`
	Slot    uint32         `json:"slot,omitempty"` // sockmap
	Trial   int            `json:"trial"`
	Cookie  uint64         `json:"cookie"`
	State   string         `json:"state,omitempty"` // of the socket behind it, from the kernel's memory (bpf_iter)
	Port    uint16         `json:"port"`            // its skc_num: 0 once it is destroyed
	Held    bool           `json:"held"`            // a struct socket holds it: somebody has a descriptor
	Handler string         `json:"handler,omitempty"`
	Listed  bool           `json:"listed"`           // sock_diag lists a socket with this cookie
	Socket  *Socket        `json:"socket,omitempty"` // its history
	Missing []Missing      `json:"missing,omitempty"`
}

// Coverage says of a spec what its connection and entry records are a part of.
type Coverage struct {
	Connections     int            `json:"connections"` // watched
	Recorded        int            `json:"recorded"`
	Entries         int            `json:"entries"` // stale ones
	EntriesRecorded int            `json:"entries_recorded"`
	Classes         map[string]int `json:"classes,omitempty"` // outcomes of all connections
	Clients         map[string]int `json:"clients,omitempty"` // handlers of the client's socket, "tcp_bpf_recvmsg" or several joined by " > ", of all connections
	Servers         map[string]int `json:"servers,omitempty"` // of the server's socket
	Updates         map[string]int `json:"updates,omitempty"` // map updates of both ends by errno; "ok"
	Lost            map[string]int `json:"lost,omitempty"`    // by observer: what it could not keep
}

// Packet is one TCP segment on the pod's device.
type Packet struct {
	T          float64 `json:"t"`
	FromClient bool    `json:"from_client"`
	Flags      string  `json:"flags"` // as tcpdump writes them: S, S., ., P., F., R
	Seq        uint32  `json:"seq"`
	Ack        uint32  `json:"ack"`
	Payload    int     `json:"payload"` // bytes
	Wire       int     `json:"wire"`    // bytes of the IP packet
	Raw        []byte  `json:"raw"`     // the IP packet, its first bytes
}

// CallGraph is what the kernel called below one recvmsg (function_graph tracer).
type CallGraph struct {
	Request string   `json:"request"` // good, stuck
	Trial   int      `json:"trial"`
	Cookie  uint64   `json:"cookie"`
	T       float64  `json:"t"`
	Thread  uint32   `json:"thread"`
	Lines   []string `json:"lines"`         // one call a line, two spaces a level, without times
	Cut     int      `json:"cut,omitempty"` // lines left out beyond the bound
}
