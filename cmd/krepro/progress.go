package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest"
)

// progress tells people what a run does: on a terminal one line for each VM in
// flight and each build, redrawn below what has been said; elsewhere a plain line
// when a VM comes to another phase or its end, and one for a build now and then.
type progress struct {
	out   io.Writer
	width func() int // of the terminal; 0: it is none

	mu    sync.Mutex
	lines []fmt.Stringer
	drawn int // lines on the terminal that are ours to redraw
	stop  chan struct{}
	done  sync.WaitGroup
}

// vmLine is a VM in flight.
type vmLine struct {
	p     *progress
	name  string
	start time.Time
	now   vmtest.Progress
}

// newProgress starts to show progress; close it.
func newProgress(out io.Writer, width func() int) *progress {
	p := &progress{out: out, width: width, stop: make(chan struct{})}
	if width() > 0 {
		p.done.Go(p.tick)
	}
	return p
}

// tick keeps the elapsed times going.
func (p *progress) tick() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-every.C:
			p.print("")
		}
	}
}

// close takes the lines off the terminal.
func (p *progress) close() {
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	p.lines = nil
	p.mu.Unlock()
	p.print("")
}

// say prints a line that stays.
func (p *progress) say(format string, args ...any) { p.print(fmt.Sprintf(format, args...)) }

// begin shows a VM.
func (p *progress) begin(name string) *vmLine {
	l := &vmLine{p: p, name: name, start: time.Now(), now: vmtest.Progress{Phase: "boot"}}
	p.add(l)
	if p.width() == 0 {
		p.say("%s: boot", name)
	}
	return l
}

// update takes what a VM told.
func (l *vmLine) update(now vmtest.Progress) {
	l.p.mu.Lock()
	phase := l.now.Phase
	l.now = now
	l.p.mu.Unlock()
	switch {
	case l.p.width() > 0:
		l.p.print("")
	case now.Phase != phase:
		l.p.say("%s: %s (%.1f s)", l.name, now.Phase, now.Elapsed.Seconds())
	}
}

// end takes the VM off and says how it ended.
func (l *vmLine) end(exit event.Exit) {
	l.p.remove(l)
	l.p.say("%s: %s", l.name, describe(exit))
}

// add shows a line.
func (p *progress) add(l fmt.Stringer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l)
}

// remove takes a line off.
func (p *progress) remove(l fmt.Stringer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = slices.DeleteFunc(p.lines, func(other fmt.Stringer) bool { return other == l })
}

// print says something, if it is anything, and draws the VMs' lines below it.
func (p *progress) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	width := p.width()
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", p.drawn) // up to our first line, clear to the end of the screen
	}
	if text != "" {
		b.WriteString(text + "\n")
	}
	p.drawn = 0
	if width > 0 {
		for _, l := range p.lines {
			b.WriteString(clip(l.String(), width-1) + "\n")
			p.drawn++
		}
	}
	// People's progress is worth no failure: what cannot be shown is dropped.
	_, _ = io.WriteString(p.out, b.String())
}

// String is a VM's line: kernel, elapsed, phase, specs so far, spec in flight.
func (l *vmLine) String() string {
	s := fmt.Sprintf("%s  %3.0f s  %s", l.name, time.Since(l.start).Seconds(), l.now.Phase)
	if l.now.Planned > 0 {
		s += fmt.Sprintf(" %d/%d", l.now.Ended, l.now.Planned)
	}
	if l.now.Failed > 0 {
		s += fmt.Sprintf(", %d failed", l.now.Failed)
	}
	if l.now.Spec != "" {
		s += "  " + l.now.Spec
	}
	return s
}

func clip(s string, width int) string {
	r := []rune(s)
	if width < 1 || len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}
