package explain

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/krepro/krepro/harness/event"
)

// render is the page, parsed.
func render(t *testing.T, reports ...Report) *html.Node {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, reports); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// find is all elements of a name that carry a class; "" is any.
func find(doc *html.Node, name, class string) []*html.Node {
	var out []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name &&
			(class == "" || slices.Contains(strings.Fields(attr(n, "class")), class)) {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestHTMLRows(t *testing.T) {
	blind := sampleReport("5.10.223-1", 1, 0)
	blind.Evidence.Suites[0].Observers = []event.Observer{{Name: "psock-drop", Lack: "no kprobes"}}
	tests := []struct {
		name        string
		reports     []Report
		connections int
		entries     int
		charts      int
	}{
		{"nothing at all", nil, 0, 0, 0},
		{"empty evidence", []Report{{}}, 0, 0, 0},
		{"a suite without specs", []Report{{Evidence: Evidence{Suites: []Suite{{Name: "smoke"}}}}}, 0, 0, 0},
		{"good ones", []Report{sampleReport("5.10.223-1", 7, 0)}, 7, 0, 1},
		{"good and stuck", []Report{sampleReport("5.10.218-1", 3, 50)}, 53, 50, 1},
		{"entries not seen to go", []Report{blind}, 1, 0, 0},
		{"two kernels", []Report{sampleReport("5.10.218-1", 1, 2), sampleReport("6.1.192-2", 4, 0)}, 7, 2, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := render(t, test.reports...)
			if got := len(find(doc, "tr", "connection")); got != test.connections {
				t.Errorf("%d rows of connections, want %d", got, test.connections)
			}
			if got := len(find(doc, "pre", "key-bytes")); got != test.entries {
				t.Errorf("%d raw keys, want %d", got, test.entries)
			}
			if got := len(find(doc, "svg", "steps")); got != test.charts {
				t.Errorf("%d charts of entries, want %d", got, test.charts)
			}
			if got := len(find(doc, "section", "kernel")); got != len(test.reports) {
				t.Errorf("%d sections, want %d", got, len(test.reports))
			}
		})
	}
}

// Whatever is half there renders, and says what is missing.
func TestHTMLPartial(t *testing.T) {
	bare := event.Connection{Trial: 3, Class: "refused", Missing: []event.Missing{{What: "packets", Why: "nobody captured"}}}
	r := Report{
		Evidence: Evidence{Suites: []Suite{{Name: "s", Specs: []Spec{{Name: "p", Connections: []event.Connection{bare},
			Entries: []event.Entry{{Map: "sockmap", Slot: 4, Missing: []event.Missing{{What: "history", Why: "overwritten"}}}}}}}}},
		Story: Story{Typical: &Chain{Suite: "s", Spec: "p", Connection: bare}},
	}
	text := textOf(render(t, r))
	for _, want := range []string{"nobody captured", "overwritten", "slot 4", "No recvmsg call has been recorded."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// What comes from a kernel or a suite is text wherever it stands.
func TestHTMLHostileText(t *testing.T) {
	const evil = `</script></title></svg><script>alert(1)</script>"'><img src=x onerror=alert(1)>{{.}}`
	r := sampleReport(evil, 1, 1)
	r.Story.Headline, r.Story.Losses, r.Story.Contradictions = evil, []string{evil}, []string{evil}
	r.Story.Typical.Title, r.Story.Typical.Links[0].Evidence[0] = evil, evil
	su := &r.Evidence.Suites[0]
	su.Name, su.Observers[0].Hook = evil, evil
	su.Stacks[1].Frames[0].Symbol = evil
	su.Specs[0].Name = evil
	c := &su.Specs[0].Connections[0]
	c.Class, c.Error, c.Symptoms = evil, evil, []event.Symptom{evil}
	c.Client.Role, c.Client.Socket.Moments[0].Kind = evil, evil
	su.Specs[0].Entries[0].Key, su.Specs[0].Entries[0].State = evil, evil
	r.Story.Typical.Connection = *c

	doc := render(t, r)
	if got := len(find(doc, "script", "")); got != 1 {
		t.Errorf("%d scripts, want the page's own", got)
	}
	for _, name := range []string{"img", "iframe", "object", "link", "base"} {
		if got := len(find(doc, name, "")); got != 0 {
			t.Errorf("%d elements %s", got, name)
		}
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has an attribute %s", n.Data, a.Key)
			}
		}
	}
	if got := textOf(find(doc, "p", "headline")[0]); got != evil {
		t.Errorf("the headline reads %q", got)
	}
}

// The page asks nothing of the network, and its own anchors exist, once each.
func TestHTMLSelfContained(t *testing.T) {
	doc := render(t, sampleReport("5.10.218-1", 2, 2), sampleReport("5.10.223-1", 2, 0))
	ids := map[string]int{}
	for n := range doc.Descendants() {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements have the id %s", n, id)
		}
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "src", "srcset", "action", "data", "poster", "style":
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			case "href":
				if anchor, own := strings.CutPrefix(a.Val, "#"); !own || ids[anchor] == 0 {
					t.Errorf("%s refers to %q", n.Data, a.Val)
				}
			}
		}
	}
	style, script := textOf(find(doc, "style", "")[0]), textOf(find(doc, "script", "")[0])
	if out := regexp.MustCompile(`url\(|@import|https?:|//[a-z]`).FindString(style + script); out != "" {
		t.Errorf("style or script refers to something outside: %q", out)
	}
	policy := ""
	for _, m := range find(doc, "meta", "") {
		if attr(m, "http-equiv") == "Content-Security-Policy" {
			policy = attr(m, "content")
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("policy %q", policy)
	}
}

// Tables say what they hold to whoever cannot see them.
func TestHTMLAccessible(t *testing.T) {
	doc := render(t, sampleReport("5.10.218-1", 2, 2))
	for _, table := range find(doc, "table", "") {
		if len(find(table, "caption", "")) != 1 {
			t.Errorf("a table has no caption: %.60q", textOf(table))
		}
	}
	for _, th := range find(doc, "th", "") {
		if attr(th, "scope") == "" {
			t.Errorf("a heading has no scope: %q", textOf(th))
		}
	}
	for _, svg := range find(doc, "svg", "") {
		if attr(svg, "role") != "img" || len(find(svg, "title", "")) == 0 || len(find(svg, "desc", "")) == 0 {
			t.Error("a drawing has no title or description")
		}
	}
}
