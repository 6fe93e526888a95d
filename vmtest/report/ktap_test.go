package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

func TestKTAP(t *testing.T) { golden(t, "krepro.ktap", KTAP(judged(t, folders...))) }

// tapTester asks Perl's TAP::Parser, on which prove stands, what it finds in the
// groups of checks, one document of standard input a line of output.
const tapTester = `use TAP::Parser; local $/ = "\0";
while (my $tap = <STDIN>) {
	chomp $tap;
	my $p = TAP::Parser->new({tap => $tap}); $p->run;
	print scalar($p->passed), " ", scalar($p->failed), " ", scalar($p->skipped), " ", scalar($p->parse_errors), " ", $p->is_good_plan ? 1 : 0, "\n";
}`

// proven is what TAP::Parser makes of the innermost tests.
func proven(t *testing.T, ktap []byte) (ok, notOK, skips int) {
	t.Helper()
	cmd := exec.Command("perl", "-e", tapTester)
	cmd.Stdin = strings.NewReader(strings.Join(innermost(string(ktap)), "\x00"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("perl with TAP::Parser is needed: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		var pass, fail, skip, wrong, plan int
		if n, err := fmt.Sscan(line, &pass, &fail, &skip, &wrong, &plan); n != 5 || wrong != 0 || plan != 1 {
			t.Errorf("TAP::Parser says %q of a group: %v", line, err)
		}
		ok, notOK, skips = ok+pass, notOK+fail, skips+skip
	}
	return ok, notOK, skips
}

// innermost are the groups of checks as documents of their own.
func innermost(ktap string) []string {
	var out []string
	for line := range strings.Lines(ktap) {
		text, ok := strings.CutPrefix(line, "    ")
		switch {
		case !ok:
		case strings.HasPrefix(text, "KTAP version"):
			out = append(out, text)
		default:
			out[len(out)-1] += text
		}
	}
	return out
}

// prove sees the VMs.
func TestProve(t *testing.T) {
	results := judged(t, folders...)
	file := filepath.Join(t.TempDir(), "krepro.ktap")
	if err := os.WriteFile(file, KTAP(results), 0o644); err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, r := range results {
		if c := CountsOf([]verdict.Result{r}); c.Failed+c.Errors > 0 {
			bad++
		}
	}
	out, err := exec.Command("prove", "-e", "cat", file).Output()
	want := fmt.Sprintf("Tests: %d Failed: %d)", len(results), bad)
	if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "Parse errors") {
		t.Errorf("prove: %v, want %q in\n%s", err, want, out)
	}
	if err := os.WriteFile(file, KTAP(judged(t, "affected", "unaffected")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("prove", "-e", "cat", file).CombinedOutput(); err != nil {
		t.Errorf("prove of what is all as expected: %v\n%s", err, out)
	}
}

// The kernel's own parser counts as we do: KREPRO_KUNIT names its
// tools/testing/kunit/kunit.py, of 6.1 or newer.
func TestKUnitParser(t *testing.T) {
	tool := os.Getenv("KREPRO_KUNIT")
	if tool == "" {
		t.Skip("set KREPRO_KUNIT to a kernel tree's tools/testing/kunit/kunit.py")
	}
	results := judged(t, folders...)
	cmd := exec.Command("python3", tool, "parse", "-")
	cmd.Args = append(cmd.Args[:3], "/dev/stdin")
	cmd.Stdin = bytes.NewReader(KTAP(results))
	out, _ := cmd.CombinedOutput() // its status says that tests failed
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`(passed|failed|skipped): (\d+)`).FindAllStringSubmatch(string(out), -1) {
		got[m[1]], _ = strconv.Atoi(m[2])
	}
	c := CountsOf(results)
	if got["passed"] != c.Passed+c.Known || got["failed"] != c.Failed+c.Errors || got["skipped"] != c.Skipped || bytes.Contains(out, []byte("[ERROR]")) {
		t.Errorf("kunit.py counts %v, we %v:\n%s", got, c, out)
	}
}

// Names and reasons cannot become results or directives.
func TestKTAPOfAnything(t *testing.T) {
	r := verdict.Result{Console: verdict.Judge(verdict.Pass, ""), Suites: []verdict.Suite{{Name: "s", Judgement: verdict.Judge(verdict.Pass, ""), Specs: []verdict.Spec{
		{Name: "takes #7 # SKIP\nok 2 what\xff", Judgement: verdict.Judge(verdict.Fail, "no # TODO\nok 3"), Text: "1..9\nBail out!\n    ok 4 # SKIP"},
	}}}}
	ktap := KTAP([]verdict.Result{r})
	ok, notOK, skips := proven(t, ktap)
	if ok != 1 || notOK != 1 || skips != 0 {
		t.Errorf("%d ok, %d not ok, %d skipped; want 1, 1 and none in\n%s", ok, notOK, skips, ktap)
	}
}
