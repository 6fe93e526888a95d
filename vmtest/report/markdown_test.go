package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

func TestMarkdown(t *testing.T) {
	golden(t, "summary.md", Markdown(judged(t, folders...), "runs/20260314-150926", 1<<20))
}

// A page that would be too long says what it left out, and still how to go on.
func TestMarkdownIsBounded(t *testing.T) {
	results := judged(t, folders...)
	whole := len(Markdown(results, "d", 1<<20))
	for _, limit := range []int{whole / 4, whole / 2, whole} {
		page := string(Markdown(results, "d", limit))
		if len(page) > limit || !strings.Contains(page, "left out: the page is full") || !strings.Contains(page, "krepro judge d") {
			t.Errorf("limit %d, %d bytes:\n%s", limit, len(page), page)
		}
	}
}

// Text cannot become markup, nor end a table's cell.
func TestMarkdownOfAnything(t *testing.T) {
	if got, want := mdText("a|b <i>*x*</i>\n- y_z `c` & [l](u)"), `a\|b &lt;i&gt;\*x\*&lt;/i&gt; - y\_z \`+"`c\\`"+` &amp; \[l\](u)`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Commands are one line each whatever the message has in it, and as many as
// GitHub shows.
func TestAnnotations(t *testing.T) {
	got := annotation("a: b, 5 %\n", "x: 5 %\r\n::warning::y,z")
	if want := "::error title=a%3A b%2C 5 %25%0A::x: 5 %25%0D%0A::warning::y,z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Annotations(judged(t, "affected", "unaffected")); len(got) > 0 {
		t.Errorf("all is as expected, and yet %v", got)
	}
	var many []verdict.Result
	for i := range 14 {
		many = append(many, verdict.Result{Kernel: event.Kernel{Release: fmt.Sprint(i)}, Console: verdict.Judge(verdict.Infra, "disk\nfull")})
	}
	all := Annotations(many)
	if len(all) != 10 || !strings.Contains(all[9], "5 VMs more are not as expected") || !strings.HasPrefix(all[0], "::error title=krepro%3A 0::console: infra, blame host: disk full") {
		t.Errorf("got %q", all)
	}
}
