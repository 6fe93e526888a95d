package explain

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// The drawing has a mark for each thing that is known of the connection.
func TestHTMLTimelineMarks(t *testing.T) {
	r := sampleReport("5.10.218-1", 1, 1)
	c, e := r.Story.Typical.Connection, r.Story.Typical.Entry
	doc := render(t, r)
	want := map[string]int{
		"call": 5, "info": 4, "update": 3, "redirect": 1, "rest": 1, "packet": len(c.Packets),
	}
	for _, s := range []*event.Socket{c.Client.Socket, c.Server.Socket, e.Socket} {
		for _, m := range s.Moments {
			want[m.Kind]++
		}
	}
	for kind, n := range want {
		if got := len(find(doc, "g", kind)); got != n {
			t.Errorf("%d marks of kind %s, want %d", got, kind, n)
		}
	}
	for _, mark := range find(doc, "g", "mark") {
		if texts := find(mark, "text", ""); len(texts) == 0 || textOf(texts[len(texts)-1]) == "" {
			t.Error("a mark has no label")
		}
	}
	for _, class := range []string{"bpf", "tcp"} {
		if len(find(doc, "rect", class)) == 0 {
			t.Errorf("no band of handler %s", class)
		}
	}
}

// Labels of one line do not meet, and none leaves the drawing.
func TestTimelineLayout(t *testing.T) {
	line := sampleReport("5.10.218-1", 0, 1).Story.Typical
	l := timelineOf(*line)
	for i, m := range l.Marks {
		if i > 0 && m.Y-l.Marks[i-1].Y < ladderRow {
			t.Errorf("%q stands %.1f below %q, want %.1f at the least", m.What, m.Y-l.Marks[i-1].Y, l.Marks[i-1].What, ladderRow)
		}
		if right := m.Label() + ladderChar*float64(len([]rune(m.What))); right > l.Width {
			t.Errorf("%q ends at %.1f, the drawing at %.1f", m.What, right, l.Width)
		}
	}
	if len(l.Breaks) == 0 {
		t.Error("seconds of waiting are drawn to scale")
	}
}

func TestBands(t *testing.T) {
	mark := func(y float64, kind, handler string) placedMark {
		return placedMark{pageMark: pageMark{Lane: AtServer, Kind: kind, Handler: handler}, Y: y}
	}
	tests := []struct {
		name  string
		marks []placedMark
		want  string
	}{
		{"nothing told", []placedMark{mark(1, event.MomentState, "")}, ""},
		{"installed and used", []placedMark{mark(1, event.MomentProto, "tcp_bpf_recvmsg"), mark(5, event.MomentRecvmsg, "tcp_bpf_recvmsg"), mark(9, "call", "")},
			"bpf 1-5 bpf 5-9"},
		{"dropped, then plain", []placedMark{mark(1, event.MomentProto, "tcp_bpf_recvmsg"), mark(2, event.MomentDrop, "tcp_bpf_recvmsg"), mark(5, event.MomentRecvmsg, "tcp_recvmsg"), mark(6, "info", "")},
			"bpf 1-2 tcp 2-5 tcp 5-6"},
		{"dropped in the end", []placedMark{mark(1, event.MomentRecvmsg, "tcp_bpf_recvmsg"), mark(2, event.MomentDrop, "tcp_bpf_recvmsg"), mark(3, event.MomentState, "")},
			"bpf 1-2"},
		{"a third handler", []placedMark{mark(1, event.MomentRecvmsg, "tcp_bpf_recvmsg_parser"), mark(2, "call", "")}, "odd 1-2"},
	}
	for _, test := range tests {
		var got []string
		for _, b := range bandsOf(test.marks) {
			got = append(got, fmt.Sprintf("%s %.0f-%.0f", b.Class, b.Y, b.Y+b.Height))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: %q, want %q", test.name, s, test.want)
		}
	}
}

func TestSteps(t *testing.T) {
	state := func(at float64) event.Moment { return event.Moment{T: at, Kind: event.MomentState, To: "CLOSE"} }
	drop := func(at float64) event.Moment { return event.Moment{T: at, Kind: event.MomentDrop} }
	proto := func(at float64) event.Moment { return event.Moment{T: at, Kind: event.MomentProto} }
	in := &event.Update{T: 1}
	tests := []struct {
		name   string
		socket event.Socket
		atRest bool
		want   string // time:live/stale
	}{
		{"closed", event.Socket{Update: in, Moments: []event.Moment{drop(2), state(2.1)}}, false, "1:1/0 2:0/0 2:0/0"},
		{"destroyed by a kernel that cleans up", event.Socket{Update: in, Moments: []event.Moment{state(2), drop(2.001)}}, false, "1:1/0 2.001:0/0 2.001:0/0"},
		{"dead while somebody holds it", event.Socket{Update: in, Moments: []event.Moment{state(2), drop(3)}}, false, "1:1/0 2:0/1 3:0/0 3:0/0"},
		{"stale for good", event.Socket{Update: in, Moments: []event.Moment{state(2)}}, true, "1:1/0 2:0/1 9:0/1"},
		{"update not recorded", event.Socket{Moments: []event.Moment{proto(1.5), state(2)}}, true, "1.5:1/0 2:0/1 9:0/1"},
		{"refused", event.Socket{Update: &event.Update{T: 1, Return: -17}, Moments: []event.Moment{proto(1), drop(1)}}, false, ""},
		{"never in the map", event.Socket{}, false, ""},
	}
	for _, test := range tests {
		sp := Spec{Connections: []event.Connection{{Client: event.Endpoint{Socket: &test.socket}}}}
		if test.atRest {
			sp = Spec{Entries: []event.Entry{{T: 9, Socket: &test.socket}}}
		}
		var got []string
		points, _ := stepsOf(sp)
		for _, p := range points {
			got = append(got, fmt.Sprintf("%v:%d/%d", p.T, p.Live, p.Stale))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: %q, want %q", test.name, s, test.want)
		}
	}
}

// The socket behind an entry is another one, or there is none to tell of.
func TestDeadOf(t *testing.T) {
	c, e := sampleStuck(0, 10)
	own := e
	own.Cookie = c.Server.Socket.Cookie
	tests := []struct {
		name  string
		entry *event.Entry
		dead  bool
	}{
		{"none", nil, false},
		{"of another socket", &e, true},
		{"its own", &own, false},
		{"history not known", &event.Entry{Cookie: 5, Local: netip.MustParseAddrPort("198.19.0.1:8080")}, false},
	}
	for _, test := range tests {
		if got := deadOf(c, test.entry) != nil; got != test.dead {
			t.Errorf("%s: %v, want %v", test.name, got, test.dead)
		}
	}
}

func TestHexDump(t *testing.T) {
	tests := map[string]string{
		"":         "",
		"c6":       "c6",
		"c61200":   "c6 12 00",
		"c6120":    "c6 12 0",
		"not hex!": "no t  he x!",
		strings.Repeat("0a", 18): strings.TrimSpace(strings.Repeat("0a ", 8)) + "  " +
			strings.TrimSpace(strings.Repeat("0a ", 8)) + "\n0a 0a",
	}
	for in, want := range tests {
		if got := hexDump(in); got != want {
			t.Errorf("hexDump(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTwoOf(t *testing.T) {
	tests := []struct {
		requests    string // good, stuck by their first letter
		left, right int    // trials; 0: none
	}{
		{"g", 1, 0},
		{"s", 1, 0},
		{"gs", 1, 2},
		{"sg", 2, 1},
		{"gg", 1, 2},
		{"ggs", 1, 3},
		{"sgsg", 2, 1},
	}
	for _, test := range tests {
		var graphs []event.CallGraph
		for i, r := range test.requests {
			graphs = append(graphs, event.CallGraph{Trial: i + 1, Request: map[rune]string{'g': "good", 's': "stuck"}[r]})
		}
		if left, right := twoOf(graphs); left.Trial != test.left || right.Trial != test.right {
			t.Errorf("%s: %d and %d, want %d and %d", test.requests, left.Trial, right.Trial, test.left, test.right)
		}
	}
}

// The first difference is marked, on paper and to a machine, once.
func TestHTMLGraphs(t *testing.T) {
	r := sampleReport("5.10.218-1", 1, 1)
	r.Evidence.Suites[0].Specs[0].CallGraphs = []event.CallGraph{
		{Request: "good", Lines: []string{"inet_recvmsg", "  tcp_bpf_recvmsg", "    lock_sock_nested"}},
		{Request: "stuck", Lines: []string{"inet_recvmsg", "  tcp_recvmsg", "    lock_sock_nested"}, Cut: 7},
	}
	tables := find(render(t, r), "table", "graphs")
	if len(tables) != 1 {
		t.Fatalf("%d tables of call graphs, want 1", len(tables))
	}
	first := find(tables[0], "tr", "first")
	if len(first) != 1 || textOf(first[0]) != "  tcp_bpf_recvmsg|  tcp_recvmsg" {
		t.Errorf("%d first differences", len(first))
	}
	if text := textOf(tables[0]); !strings.Contains(text, "7 lines left out") {
		t.Errorf("what was cut is not said: %s", text)
	}
}
