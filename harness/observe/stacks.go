package observe

import (
	"strings"
	"sync"

	"github.com/krepro/krepro/harness/event"
)

// stacks numbers kernel stacks from 1. A suite has few different ones.
type stacks struct {
	mu    sync.Mutex
	known map[string]int // by the frames' addresses
	fresh []event.Stack  // nobody has asked for yet
}

func (s *stacks) number(frames []event.Frame) int {
	if len(frames) == 0 {
		return 0
	}
	var key strings.Builder
	for _, f := range frames {
		key.WriteString(f.Address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]int{}
	}
	id, ok := s.known[key.String()]
	if !ok {
		id = len(s.known) + 1
		s.known[key.String()] = id
		s.fresh = append(s.fresh, event.Stack{ID: id, Frames: frames})
	}
	return id
}

// Stacks are those that lives have named since the last call.
func (o *Observer) Stacks() []event.Stack {
	o.stacks.mu.Lock()
	defer o.stacks.mu.Unlock()
	fresh := o.stacks.fresh
	o.stacks.fresh = nil
	return fresh
}
