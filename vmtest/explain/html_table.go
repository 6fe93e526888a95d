package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// connectionTable is every recorded connection of a kernel, and what can be
// chosen of them.
type connectionTable struct {
	Rows     []connectionRow
	Classes  []facet
	Symptoms []facet
	Watched  int // connections, recorded or not
}

// facet is one value to choose by, and how many rows have it.
type facet struct {
	Value string
	Rows  int
}

// connectionRow is one connection and, below it, all that is known of it.
type connectionRow struct {
	event.Connection
	Suite, Spec    string
	Symptoms       string // joined by spaces; "none"
	ClientHandlers string
	ServerHandlers string
	Updates        string  // of client and server
	Seconds        float64 // from connect(2) to the end
	Lines          []pageMark
}

// noSymptom is what a good connection is chosen by.
const noSymptom = "none"

func tableOf(e Evidence) connectionTable {
	var t connectionTable
	classes, symptoms := map[string]int{}, map[string]int{}
	for _, su := range e.Suites {
		for _, sp := range su.Specs {
			if sp.Coverage != nil {
				t.Watched += sp.Coverage.Connections
			}
			for _, c := range sp.Connections {
				row := rowOf(su.Name, sp, c)
				t.Rows = append(t.Rows, row)
				classes[c.Class]++
				for s := range strings.FieldsSeq(row.Symptoms) {
					symptoms[s]++
				}
			}
		}
	}
	t.Watched = max(t.Watched, len(t.Rows))
	t.Classes, t.Symptoms = facets(classes), facets(symptoms)
	return t
}

// facets are ordered by how many rows have them, then by name.
func facets(rows map[string]int) []facet {
	var out []facet
	for _, v := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, facet{v, rows[v]})
	}
	slices.SortStableFunc(out, func(a, b facet) int { return cmp.Compare(b.Rows, a.Rows) })
	return out
}

func rowOf(suite string, sp Spec, c event.Connection) connectionRow {
	return connectionRow{
		Connection:     c,
		Suite:          suite,
		Spec:           sp.Name,
		Symptoms:       symptomsOf(c),
		ClientHandlers: handlersOf(c.Client.Socket),
		ServerHandlers: handlersOf(c.Server.Socket),
		Updates:        updateOf(c.Client.Socket) + " / " + updateOf(c.Server.Socket),
		Seconds:        c.Ended - c.Began,
		Lines:          marksOf(c, entryOf(&sp, c)),
	}
}

func symptomsOf(c event.Connection) string {
	var out []string
	for _, s := range c.Symptoms {
		out = append(out, string(s))
	}
	return cmp.Or(strings.Join(out, " "), noSymptom)
}

// handlersOf are a socket's recvmsg handlers with their calls.
func handlersOf(s *event.Socket) string {
	if s == nil || len(s.Handlers) == 0 {
		return "–"
	}
	var out []string
	for _, h := range s.Handlers {
		out = append(out, fmt.Sprintf("%s %d", h.Symbol, h.Calls))
	}
	return strings.Join(out, ", ")
}

func updateOf(s *event.Socket) string {
	if s == nil || s.Update == nil {
		return "–"
	}
	return chain.Outcome(*s.Update)
}

// deadOf is the socket behind an entry that is not of the connection itself.
func deadOf(c event.Connection, e *event.Entry) *event.Socket {
	if e == nil {
		return nil
	}
	for _, end := range []event.Endpoint{c.Client, c.Server} {
		if end.Socket != nil && end.Socket.Cookie == e.Cookie {
			return nil
		}
	}
	return e.Socket
}
