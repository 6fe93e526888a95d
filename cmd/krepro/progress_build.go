package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/krepro/krepro/kernels"
)

// buildEvery is how often a build's line is printed where there is no terminal.
const buildEvery = 30 * time.Second

// buildLine is a build in flight.
type buildLine struct {
	start, said time.Time
	now         kernels.Building
}

// follow shows what a store says, and its builds.
func (p *progress) follow(s *kernels.Store) {
	s.Progress = func(line string) { p.say("%s", line) }
	var mu sync.Mutex
	lines := map[string]*buildLine{}
	s.Building = func(now kernels.Building) {
		mu.Lock()
		defer mu.Unlock()
		l := lines[now.Name]
		if l == nil {
			l = &buildLine{start: time.Now(), said: time.Now(), now: now}
			lines[now.Name] = l
			p.add(l)
		}
		p.update(l, now)
		if now.Ended {
			delete(lines, now.Name)
		}
	}
}

// update takes what a build told.
func (p *progress) update(l *buildLine, now kernels.Building) {
	p.mu.Lock()
	l.now = now
	p.mu.Unlock()
	switch {
	case now.Ended:
		p.remove(l)
		p.say("%s", l)
	case p.width() == 0 && time.Since(l.said) > buildEvery:
		l.said = time.Now()
		p.say("%s", l)
	}
}

// String is a build's line: what, elapsed, files made of those expected.
func (l *buildLine) String() string {
	s := fmt.Sprintf("%s  %3.0f s  %d", l.now.Name, time.Since(l.start).Seconds(), l.now.Made)
	if l.now.Expected > 0 && !l.now.Ended {
		s += fmt.Sprintf(" of about %d", l.now.Expected)
	}
	return s + " files made"
}
