package explain

import "github.com/krepro/krepro/harness/event"

// band shows which handler served an end's recvmsg over a span of time: it
// reaches from the moment that tells the handler to the next one that does.
type band struct {
	X, Y, Height float64
	Handler      string
	Class        string // of its colour
	Lane         string
}

// bandsOf reads the bands of both ends off the marks.
func bandsOf(marks []placedMark) []band {
	var out []band
	for _, lane := range []string{AtClient, AtServer} {
		var told []placedMark
		last := 0.0
		for _, m := range marks {
			if m.Lane != lane {
				continue
			}
			last = m.Y
			if m.Handler != "" {
				told = append(told, m)
			}
		}
		out = append(out, spans(lane, told, last)...)
	}
	return out
}

// spans are the bands between moments that tell the handler; the last of them
// ends with the column's last mark. What sk_psock_drop leaves is told by the
// next recvmsg, and by nothing if none comes.
func spans(lane string, told []placedMark, last float64) []band {
	var out []band
	for i, m := range told {
		handler, until := m.Handler, last
		if i+1 < len(told) {
			until = told[i+1].Y
		}
		if m.Kind == event.MomentDrop {
			handler = ""
			if i+1 < len(told) && told[i+1].Kind == event.MomentRecvmsg {
				handler = told[i+1].Handler
			}
		}
		if handler != "" && until > m.Y {
			out = append(out, band{m.X - 5, m.Y, until - m.Y, handler, handlerClass(handler), lane})
		}
	}
	return out
}

// handlerClass is the style class of a handler.
func handlerClass(handler string) string {
	switch handler {
	case "tcp_bpf_recvmsg":
		return "bpf"
	case "tcp_recvmsg":
		return "tcp"
	}
	return "odd"
}
