package report

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The page stands alone: no script, nothing from the network, and each link leads
// to a part of the page or to a file that was named.
func TestHTMLStandsAlone(t *testing.T) {
	results := judged(t, folders...)
	files := []string{"k/console.log", "k/artefacts/pcap/"}
	page, err := HTML(results, map[string]Links{results[0].Kernel.Name: {Explain: "explain/k.html", Files: files}})
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, hrefs := map[string]bool{}, map[string]bool{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			if ids["#"+id] {
				t.Errorf("id %s stands twice", id)
			}
			ids["#"+id] = true
		}
		if href := attribute(n, "href"); href != "" {
			hrefs[href] = true
		}
		if slices.Contains([]string{"script", "link", "img", "iframe"}, n.Data) || attribute(n, "src") != "" {
			t.Errorf("<%s %v>", n.Data, n.Attr)
		}
	}
	for href := range hrefs {
		if !ids[href] && !slices.Contains(append(files, "explain/k.html"), href) {
			t.Errorf("link %s leads nowhere", href)
		}
	}
	for _, want := range append(files, "explain/k.html") {
		if !hrefs[want] {
			t.Errorf("no link to %s", want)
		}
	}
}

// Cells have the matrix's words, and not by colour alone.
func TestHTMLSaysWhatTheMatrixSays(t *testing.T) {
	results := judged(t, folders...)
	page, err := HTML(results, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`<summary>([a-z-]+!?)</summary><div>`).FindAllStringSubmatch(string(page), -1) {
		got = append(got, m[1])
	}
	var want []string
	for line := range strings.Lines(Matrix(results)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "5.10.") {
			want = append(want, f[2])
		}
	}
	if len(want) != len(folders) || !slices.Equal(got, want) {
		t.Errorf("cells %v, matrix %v", got, want)
	}
}

// A cell opens to what was counted, what was expected, and why.
func TestHTMLCell(t *testing.T) {
	c := verdict.Case{Name: "c", Judgement: judgement(verdict.Affected), Expect: verdict.Affected, Why: "we wait for a fix", Met: true, Rate: verdict.RateOf(5, 10)}
	page, err := HTML([]verdict.Result{{Cases: []verdict.Case{c}}}, nil)
	want := `<details><summary>affected</summary><div><p>expected</p><p>5 of 10 trials; rate 19 % to 81 % (95 %)</p><p>so it is</p><p>expected: we wait for a fix</p></div></details>`
	if err != nil || !bytes.Contains(page, []byte(want)) {
		t.Errorf("%v, want %s in\n%s", err, want, page)
	}
}

// What a kernel or a test wrote stays text.
func TestHTMLOfAnything(t *testing.T) {
	r := judged(t, "wrong-symptom")[0]
	r.Suites[0].Specs[0].Text = "</pre><script>alert(1)</script>"
	r.Kernel.Package = "<img src=x>"
	page, err := HTML([]verdict.Result{r}, map[string]Links{r.Kernel.Name: {Files: []string{"javascript:alert(1)"}}})
	if err != nil || bytes.Contains(page, []byte("<script")) || bytes.Contains(page, []byte("<img")) || bytes.Contains(page, []byte(`"javascript:`)) {
		t.Errorf("%v\n%s", err, page)
	}
}

func TestHTMLOfNothing(t *testing.T) {
	page, err := HTML(nil, nil)
	if err != nil || !bytes.Contains(page, []byte("Nothing was asked")) {
		t.Errorf("%v\n%s", err, page)
	}
}
