package chain

import (
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// Way is how a socket came into the state CLOSE.
type Way string

// Ways, as read off the kernel stack of the state change.
const (
	ByListener   Way = "its listener went while nobody had accepted it" // inet_csk_listen_stop
	ByReset      Way = "its peer reset it"                              // tcp_reset
	ByDisconnect Way = "connect(AF_UNSPEC) or shutdown of it"           // tcp_disconnect
	ByAbort      Way = "it was closed with linger 0: its own reset"     // tcp_disconnect under tcp_close
	ByDestroy    Way = "SOCK_DESTROY (ss -K)"                           // tcp_abort
	ByTimeWait   Way = "it went into TIME_WAIT"                         // tcp_time_wait, tcp_fin
	ByTimer      Way = "a timer gave it up"                             // tcp_write_err
	ByLastAck    Way = "its peer acknowledged its FIN"                  // tcp_rcv_state_process
	ByClose      Way = "close(2)"                                       // tcp_close
	ByUnknown    Way = "unknown"
)

// Destruction is how a socket was destroyed.
type Destruction struct {
	Way   Way
	Frame string // the function that tells; empty: none does
}

// ways are the functions that tell. The first on a stack, from inside, wins.
var ways = map[string]Way{
	"inet_csk_listen_stop":  ByListener,
	"tcp_reset":             ByReset,
	"tcp_abort":             ByDestroy,
	"tcp_time_wait":         ByTimeWait,
	"tcp_fin":               ByTimeWait, // whose call of tcp_time_wait leaves no frame of its own
	"tcp_write_err":         ByTimer,
	"tcp_write_timeout":     ByTimer,
	"tcp_keepalive_timer":   ByTimer,
	"tcp_disconnect":        ByDisconnect,
	"tcp_rcv_state_process": ByLastAck,
	"__tcp_close":           ByClose,
	"tcp_close":             ByClose,
	"inet_release":          ByClose,
	"sock_close":            ByClose,
}

// inputs are functions below which a stack speaks of another socket: a packet
// is received in the midst of whatever its sender's end was doing.
var inputs = []string{"tcp_v4_rcv", "tcp_v6_rcv", "__do_softirq", "handle_softirqs", "do_softirq", "call_timer_fn"}

// Destroyed reads the stack, innermost frame first, of a socket's state change
// into CLOSE.
func Destroyed(frames []event.Frame) Destruction {
	names := functions(frames)
	if i := slices.IndexFunc(names, func(n string) bool { return slices.Contains(inputs, n) }); i >= 0 {
		names = names[:i]
	}
	for i, n := range names {
		way, tells := ways[n]
		if !tells {
			continue
		}
		// listen_stop disconnects its children; close(2) with linger 0 disconnects its socket.
		if rest := names[i:]; n == "tcp_disconnect" && slices.Contains(rest, "inet_csk_listen_stop") {
			return Destruction{ByListener, "inet_csk_listen_stop"}
		} else if n == "tcp_disconnect" && (slices.Contains(rest, "tcp_close") || slices.Contains(rest, "__tcp_close")) {
			return Destruction{ByAbort, n}
		}
		return Destruction{way, n}
	}
	return Destruction{Way: ByUnknown}
}

// functions are the names of a stack's frames, without what the compiler
// appends to a clone's (.isra.0, .constprop.0, .part.0).
func functions(frames []event.Frame) []string {
	var out []string
	for _, f := range frames {
		name, _, _ := strings.Cut(f.Symbol, ".")
		out = append(out, name)
	}
	return out
}
