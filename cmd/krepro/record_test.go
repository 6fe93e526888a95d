package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// reported holds the report files of a run that did not go well against each
// other: all are there, say whom to blame, and count alike.
func reported(t *testing.T, run string, blame verdict.Blame) {
	t.Helper()
	said := regexp.MustCompile(`blame:? ` + string(blame))
	for _, name := range []string{ktapFile, summaryFile, pageFile} {
		if text := mustRead(t, filepath.Join(run, name)); !said.Match(text) {
			t.Errorf("%s does not blame the %s:\n%s", name, blame, text)
		}
	}
	want := countsIn(t, mustRead(t, filepath.Join(run, verdictsFile)))
	if want.Failed+want.Errors+want.Skipped == 0 {
		t.Errorf("nothing is wrong: %v", want)
	}
	suites, err := junit.IngestDir(filepath.Join(run, junitDir))
	if err != nil {
		t.Fatal(err)
	}
	var got junit.Totals
	for _, s := range suites {
		got.Passed, got.Failed, got.Error, got.Skipped = got.Passed+s.Totals.Passed, got.Failed+s.Totals.Failed, got.Error+s.Totals.Error, got.Skipped+s.Totals.Skipped
	}
	if got.Passed != want.Passed || got.Failed != want.Failed || got.Error != want.Errors || got.Skipped != want.Skipped+want.Known {
		t.Errorf("JUnit counts %+v, verdicts.json %v", got, want)
	}
	red := want.Failed+want.Errors > 0
	out, err := exec.Command("prove", "-e", "cat", filepath.Join(run, ktapFile)).CombinedOutput()
	if (err != nil) != red || bytes.Contains(out, []byte("Parse errors")) {
		t.Errorf("prove: %v\n%s", err, out)
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// countsIn are the counts that verdicts.json has; it must be as its schema says.
func countsIn(t *testing.T, text []byte) report.Counts {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/verdicts.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v", verdictsFile, err)
	}
	var whole struct{ Counts report.Counts }
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	return whole.Counts
}

// GitHub gets one line for each VM, and a summary below what is there already,
// within the size that it takes.
func TestAnnounce(t *testing.T) {
	w := newWorld(t)
	summary := filepath.Join(w.dir, "summary")
	put(t, summary, strings.Repeat("x", summaryLimit-2000)+"\n")
	github := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}
	w.getenv = func(key string) string { return github[key] }
	garbage := filepath.Join(w.dir, "bzImage")
	put(t, garbage, "this is no kernel")
	_, _, stderr := w.do(t.Context(), "run", "--kernel", garbage, "--out", filepath.Join(w.dir, "run"))
	if n := strings.Count(stderr, "::error title=krepro"); n != 1 || !strings.Contains(stderr, "blame host") {
		t.Errorf("%d annotations, want one that blames the host:\n%s", n, stderr)
	}
	text := string(mustRead(t, summary))
	if len(text) > summaryLimit || !strings.Contains(text, "x\n## krepro: a fault of the host") || !strings.Contains(text, "the page is full") {
		t.Errorf("the summary has %d bytes and ends with\n%s", len(text), text[summaryLimit-2000:])
	}

	delete(github, "GITHUB_ACTIONS")
	if _, _, stderr := w.do(t.Context(), "run", "--kernel", garbage, "--out", filepath.Join(w.dir, "again")); strings.Contains(stderr, "::error") {
		t.Errorf("elsewhere than at GitHub:\n%s", stderr)
	}
}

// The page tells why requests hung of the kernel where they did, and links what
// lies beside it; all links lead to files.
func TestRecordLinks(t *testing.T) {
	run := judgedRun(t, `"sockmap"`, "recorded", "unaffected")
	for _, vm := range []string{"recorded", "unaffected"} {
		k := readKernel(filepath.Join(run, vm))
		if err := os.Rename(filepath.Join(run, vm), filepath.Join(run, k.Name)); err != nil {
			t.Fatal(err)
		}
	}
	results, err := judge(run)
	if err != nil {
		t.Fatal(err)
	}
	if err := record(run, results); err != nil {
		t.Fatal(err)
	}
	stories, _ := filepath.Glob(filepath.Join(run, explainDir, "*"))
	if len(stories) != 1 || filepath.Base(stories[0]) != results[0].Kernel.Name+".html" {
		t.Errorf("stories %v, want one of %s", stories, results[0].Kernel.Name)
	}
	links := regexp.MustCompile(`href="([^"#][^"]*)"`).FindAllSubmatch(mustRead(t, filepath.Join(run, pageFile)), -1)
	if len(links) < 8 {
		t.Errorf("only %d links to files", len(links))
	}
	for _, l := range links {
		if _, err := os.Stat(filepath.Join(run, string(l[1]))); err != nil {
			t.Errorf("link: %v", err)
		}
	}
}

// A file that cannot be written leaves nothing, and one line.
func TestWriteFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "taken"), filepath.Join(dir, "absent", "file")} {
		if err := writeFile(path, []byte("text")); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want an error of one line", path, err)
		}
	}
	if got := left(t, dir); got != "taken" {
		t.Errorf("left %s", got)
	}
}
