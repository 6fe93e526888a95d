package chain

import (
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// stack makes frames out of names, innermost first.
func stack(names string) []event.Frame {
	var out []event.Frame
	for _, n := range strings.Fields(names) {
		out = append(out, event.Frame{Symbol: n, Offset: 1})
	}
	return out
}

func TestDestroyed(t *testing.T) {
	tests := []struct {
		name, frames string
		way          Way
		frame        string
	}{
		{"unaccepted, listener closed", "tcp_set_state tcp_disconnect inet_csk_listen_stop tcp_close inet_release __sock_release sock_close", ByListener, "inet_csk_listen_stop"},
		{"unaccepted, listener's process died", "tcp_set_state tcp_disconnect inet_child_forget inet_csk_listen_stop __tcp_close tcp_close inet_release task_work_run do_exit", ByListener, "inet_csk_listen_stop"},
		{"unaccepted, listener shut down", "tcp_set_state tcp_disconnect inet_csk_listen_stop tcp_disconnect inet_shutdown", ByListener, "inet_csk_listen_stop"},
		{"peer's reset", "tcp_done tcp_reset tcp_validate_incoming tcp_rcv_established tcp_v4_do_rcv tcp_v4_rcv ip_protocol_deliver_rcu", ByReset, "tcp_reset"},
		{"peer's reset while its sender closes", "tcp_reset tcp_rcv_established tcp_v4_rcv __do_softirq tcp_send_active_reset tcp_close inet_release sock_close", ByReset, "tcp_reset"},
		{"peer's FIN acknowledged while its sender closes", "tcp_done tcp_rcv_state_process tcp_v4_do_rcv tcp_v4_rcv handle_softirqs tcp_close sock_close", ByLastAck, "tcp_rcv_state_process"},
		{"TIME_WAIT", "tcp_done tcp_time_wait tcp_fin tcp_data_queue tcp_rcv_state_process tcp_v4_rcv", ByTimeWait, "tcp_time_wait"},
		{"TIME_WAIT, a tail call", "tcp_set_state tcp_done tcp_fin tcp_data_queue tcp_rcv_state_process tcp_v4_do_rcv tcp_v4_rcv", ByTimeWait, "tcp_fin"},
		{"linger 0", "tcp_set_state tcp_disconnect __tcp_close tcp_close sock_map_close inet_release", ByAbort, "tcp_disconnect"},
		{"connect(AF_UNSPEC)", "tcp_set_state tcp_disconnect __inet_stream_connect inet_stream_connect __sys_connect", ByDisconnect, "tcp_disconnect"},
		{"SOCK_DESTROY", "tcp_done tcp_abort tcp_diag_destroy inet_diag_cmd_exact", ByDestroy, "tcp_abort"},
		{"timer", "tcp_done tcp_write_err tcp_write_timeout tcp_retransmit_timer tcp_write_timer_handler call_timer_fn", ByTimer, "tcp_write_err"},
		{"close", "tcp_set_state __tcp_close tcp_close sock_map_close inet_release sock_close", ByClose, "__tcp_close"},
		{"close, a clone", "tcp_set_state __tcp_close.part.0 tcp_close.isra.0 inet_release", ByClose, "__tcp_close"},
		{"of another socket", "tcp_set_state tcp_v4_rcv tcp_close", ByUnknown, ""},
		{"cut", "tcp_set_state", ByUnknown, ""},
		{"no symbols", "", ByUnknown, ""},
	}
	for _, test := range tests {
		got := Destroyed(stack(test.frames))
		if got.Way != test.way || got.Frame != test.frame {
			t.Errorf("%s: %s (%s), want %s (%s)", test.name, got.Way, got.Frame, test.way, test.frame)
		}
	}
}
