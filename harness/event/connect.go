package event

import "net/netip"

// ConnectRecord is the kind of a traced connect: Spec; Data: Connect.
const ConnectRecord Kind = "connect"

// Kinds of Connect.
const (
	ConnectRetry  = "retry"  // the SYN was sent again
	ConnectFailed = "failed" // the socket went from SYN_SENT to CLOSE, or connect(2) failed before that
)

// Connect is something that went wrong with an active TCP open, as the kernel
// saw it. Times are seconds since boot.
type Connect struct {
	Kind    string         `json:"kind"`
	T       float64        `json:"t"`
	Began   float64        `json:"began"` // the first SYN was sent, or connect(2) called if none was
	Netns   uint32         `json:"netns"` // inode number, as in /proc/PID/ns/net
	Local   netip.AddrPort `json:"local"` // port 0: none had been found
	Remote  netip.AddrPort `json:"remote"`
	Retries int            `json:"retries"`         // SYNs sent again so far
	Errno   string         `json:"errno,omitempty"` // ECONNREFUSED; empty of a failed one: closed while it waited
	Process uint32         `json:"process"`         // that called connect(2), as are the next two
	Thread  uint32         `json:"thread"`
	// Contained are the process's numbers in the pid namespaces below the
	// machine's, its own last; none if it has none, or has ended meanwhile.
	Contained []int   `json:"contained,omitempty"`
	Command   string  `json:"command"`
	Cookie    uint64  `json:"cookie,omitempty"` // SO_COOKIE, socket(7), if anybody asked for it
	Stack     []Frame `json:"stack,omitempty"`  // of a failed one: where the kernel gave it up, innermost first
}
