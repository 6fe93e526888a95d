package lab

import (
	"fmt"

	"github.com/krepro/krepro/harness/callgraph"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// maxLines bounds a call graph's record.
const maxLines = 400

// RecordGraphs streams what the kernel called below the first recvmsg on the
// server's socket, of each connection that is kept in the journal.
func (l *Lab) RecordGraphs(r callgraph.Recording) error {
	if r.Lost > 0 {
		put(l.journal.coverage.Lost, "callgraph", uint64(r.Lost))
	}
	for _, w := range l.journal.kept {
		s, err := l.Observer.Life(w.Server)
		if err != nil {
			return fmt.Errorf("graph of trial %d: %w", w.Trial, err)
		}
		for _, m := range s.Moments {
			if m.Kind != event.MomentRecvmsg {
				continue
			}
			g, ok := r.At(m.Thread, m.T)
			if !ok {
				return fmt.Errorf("graph of trial %d: the tracer shows no recvmsg of thread %d at %f s", w.Trial, m.Thread, m.T)
			}
			if err := evidence.Record(event.CallGraphRecord, graphOf(w, g)); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func graphOf(w watched, g callgraph.Graph) event.CallGraph {
	request := "good"
	if len(w.symptoms) > 0 {
		request = "stuck"
	}
	lines, cut := g.Lines(maxLines)
	return event.CallGraph{
		Request: request, Trial: w.Trial, Cookie: w.Server, T: g.Start, Thread: g.Thread, Lines: lines, Cut: cut,
	}
}
