package explain

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/krepro/krepro/harness/event"
)

func TestHang(t *testing.T) {
	tests := []struct {
		prefix, text string
		width        int
		want         string
	}{
		{"  ", "short", 20, "  short\n"},
		{"  ", "one two three four", 12, "  one two\n    three\n    four\n"},
		{"> ", "  frame+1 and more", 14, ">   frame+1\n      and more\n"},
		{"", "0a  0b", 20, "0a  0b\n"},
		{"  ", "unbreakable", 5, "  unbreakable\n"},
	}
	for _, test := range tests {
		p := &printer{width: test.width}
		p.hang(test.prefix, test.text)
		if p.String() != test.want {
			t.Errorf("%q in %d columns: %q, want %q", test.text, test.width, p.String(), test.want)
		}
	}
}

func TestShorten(t *testing.T) {
	var lines []string
	for range maxFrames + 3 {
		lines = append(lines, "  frame")
	}
	got := shorten(append([]string{"head"}, lines...))
	if len(got) != 1+maxFrames+1 || got[len(got)-1] != "  … 3 more" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
	if got := shorten([]string{"head", "  frame", "tail"}); len(got) != 3 {
		t.Errorf("shortened to %q", got)
	}
}

// All but tables and single words keep to the width.
func TestTextWidth(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, Tell(evidence(t), []Case{staleCase("affected")}, Filter{}), 80); err != nil {
		t.Fatal(err)
	}
	_, chain, _ := strings.Cut(b.String(), "ONE CONNECTION")
	for line := range strings.Lines(chain) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

func TestTextCalls(t *testing.T) {
	e := evidence(t)
	spec := &e.Suites[0].Specs[0]
	spec.CallGraphs = []event.CallGraph{
		{Request: "stuck", Trial: 0, Lines: []string{"inet_recvmsg", "  tcp_recvmsg"}},
		{Request: "good", Trial: 1, Lines: []string{"inet_recvmsg", "  tcp_bpf_recvmsg"}, Cut: 3},
	}
	var b strings.Builder
	if err := Text(&b, Tell(e, nil, Filter{}), 80); err != nil {
		t.Fatal(err)
	}
	_, calls, _ := strings.Cut(b.String(), "CALLS")
	for _, want := range []string{"  good: trial 1, socket 0, thread 0; 2 calls, 3 left out\n", "tcp_bpf_recvmsg                     |   tcp_recvmsg\n"} {
		if !strings.Contains(calls, want) {
			t.Errorf("no %q in\n%s", want, calls)
		}
	}
}
