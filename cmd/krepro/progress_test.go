package main

import (
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest"
)

// Elsewhere than on a terminal there is a plain line for each phase and for the end.
func TestProgressPlain(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, func() int { return 0 })
	l := p.begin("k1")
	l.update(vmtest.Progress{Phase: "sockmap", Elapsed: 2 * time.Second})
	l.update(vmtest.Progress{Phase: "sockmap", Spec: "x", Ended: 1, Planned: 2})
	l.end(event.Exit{Reason: event.ExitSilence, Seconds: 9.5, Phase: "sockmap", Spec: "x", Tail: []string{"last words"}})
	p.close()
	want := `k1: boot
k1: sockmap (2.0 s)
k1: silence after 9.5 s in sockmap, spec x
    | last words
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// On a terminal there is one line for each VM in flight, no wider than it, and
// none when all is done.
func TestProgressTerminal(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, func() int { return 40 })
	one, two := p.begin("k1"), p.begin("k2")
	one.update(vmtest.Progress{Phase: "sockmap", Spec: strings.Repeat("long ", 20), Ended: 3, Planned: 9, Failed: 1})
	two.update(vmtest.Progress{Phase: "boot"})
	p.say("by the way")
	two.end(event.Exit{Reason: event.ExitDone, Seconds: 9.5})
	one.end(event.Exit{Reason: event.ExitDone, Seconds: 9.6})
	p.close()
	screen := replay(t, b.String(), 40)
	want := "by the way\nk2: ran 9.5 s\nk1: ran 9.6 s\n"
	if screen != want {
		t.Errorf("screen:\n%s\nwant:\n%s", screen, want)
	}
	if !strings.Contains(b.String(), "k1    0 s  sockmap 3/9, 1 failed  long") {
		t.Errorf("the line of k1 was never shown: %q", b.String())
	}
}

// replay is what a terminal shows after the output.
func replay(t *testing.T, out string, width int) string {
	t.Helper()
	lines := []string{}
	for _, part := range strings.SplitAfter(out, "\n") {
		for strings.HasPrefix(part, "\x1b[") {
			up, rest, ok := strings.Cut(strings.TrimPrefix(part, "\x1b["), "A\r\x1b[J")
			if !ok || len(up) != 1 {
				t.Fatalf("unknown escape in %q", part)
			}
			lines, part = lines[:len(lines)-int(up[0]-'0')], rest
		}
		if part == "" {
			continue
		}
		if n := len([]rune(strings.TrimSuffix(part, "\n"))); n >= width {
			t.Errorf("%d columns of %d: %q", n, width, part)
		}
		lines = append(lines, part)
	}
	return strings.Join(lines, "")
}
