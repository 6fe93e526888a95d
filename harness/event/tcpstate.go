package event

import "strconv"

// Of net/tcp_states.h.
var tcpStates = [...]string{
	1: "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
}

// TCPState names a TCP state.
func TCPState(s uint8) string {
	if s > 0 && int(s) < len(tcpStates) {
		return tcpStates[s]
	}
	return "state " + strconv.Itoa(int(s))
}
