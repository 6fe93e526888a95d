package explain

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(pageFuncs).ParseFS(pageFiles, "page/*"))

// HTML writes the reports, one for each kernel of a run, as one page that
// needs nothing beside itself: no network, no other file, no server. What it
// draws is there without scripts; they only filter and sort.
func HTML(w io.Writer, reports []Report) error {
	var views []kernelView
	for i, r := range reports {
		views = append(views, viewOf(fmt.Sprintf("k%d", i+1), r))
	}
	if err := pageTemplate.Execute(w, views); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// kernelView is one kernel's part of the page.
type kernelView struct {
	ID string // prefix of the part's anchors
	Report
	Timeline *timeline // of the typical connection
	Calls    []recvmsgCall
	Charts   []stepChart
	AtRest   []restView
	Table    connectionTable
	Graphs   []graphView
	Stacks   []stackView
}

func viewOf(id string, r Report) kernelView {
	v := kernelView{
		ID:     id,
		Report: r,
		Charts: stepCharts(r),
		AtRest: restViews(r),
		Table:  tableOf(r.Evidence),
		Graphs: graphViews(r.Evidence),
		Stacks: stackViews(r.Evidence),
	}
	if c := r.Story.Typical; c != nil {
		v.Timeline = timelineOf(*c)
		v.Calls = callsOf(*c)
	}
	return v
}

// recvmsgCall is one recvmsg of the typical connection.
type recvmsgCall struct {
	End string // client, server
	event.Moment
	Since float64 // seconds since connect(2)
	Stack string  // anchor; empty: none was kept
}

func callsOf(c Chain) []recvmsgCall {
	var out []recvmsgCall
	for _, end := range []struct {
		name string
		of   event.Endpoint
	}{{AtClient, c.Connection.Client}, {AtServer, c.Connection.Server}} {
		if end.of.Socket == nil {
			continue
		}
		for _, m := range end.of.Socket.Moments {
			if m.Kind == event.MomentRecvmsg {
				out = append(out, recvmsgCall{end.name, m, m.T - c.Connection.Began, stackAnchor(c.Suite, m.Stack)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b recvmsgCall) int { return byTime(a.T, b.T) })
	return out
}

// stackView is a kernel stack with its anchor.
type stackView struct {
	Anchor, Suite string
	event.Stack
}

func stackViews(e Evidence) []stackView {
	var out []stackView
	for _, su := range e.Suites {
		for _, n := range slices.Sorted(maps.Keys(su.Stacks)) {
			out = append(out, stackView{stackAnchor(su.Name, n), su.Name, su.Stacks[n]})
		}
	}
	return out
}

// stackAnchor names a stack within its kernel's part; 0 is no stack.
func stackAnchor(suite string, stack int) string {
	if stack == 0 {
		return ""
	}
	return fmt.Sprintf("%s-stack-%d", suite, stack)
}
