package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/vmtest/bisect"
)

// saying prints a line of progress.
func (e *env) saying() func(format string, args ...any) {
	return func(format string, args ...any) { fmt.Fprintf(e.stderr, "bisect: "+format+"\n", args...) }
}

// bisectReport is report.json.
type bisectReport struct {
	Asked     *bisection `json:"asked"`
	Folder    string     `json:"folder"`
	Log       string     `json:"log,omitempty"`       // for git bisect replay
	Changelog []string   `json:"changelog,omitempty"` // what Debian's says of the change
	bisect.Result
}

// endBisection writes down how a bisection ended, or where it stopped.
func (e *env) endBisection(ctx context.Context, b *bisection, walk bisect.Walk, store *kernels.Store, result bisect.Result, failed error, asJSON bool) error {
	log, err := b.writeLog(walk)
	if failed != nil {
		fmt.Fprintf(e.stderr, "bisect: stopped after %d kernels asked; nothing is lost: krepro bisect --resume %s\n", len(b.Steps), b.dir)
		return failed
	}
	if err != nil {
		return err
	}
	result.Text += b.hint(result)
	asked := *b
	asked.Steps = nil // they are in the result
	r := bisectReport{Asked: &asked, Folder: b.dir, Log: log, Result: result}
	if r.Changelog, err = b.changelog(ctx, store, result); err != nil {
		r.Changelog = []string{fmt.Sprintf("Debian's changelog could not be read: %v", err)}
	}
	text := []byte(b.title() + "\n\n" + r.text())
	if err := errors.Join(writeFile(filepath.Join(b.dir, reportText), text), writeJSON(filepath.Join(b.dir, reportJSON), r)); err != nil {
		return err
	}
	if asJSON {
		err = e.printJSON(r)
	} else {
		_, err = e.stdout.Write(text)
	}
	if err == nil && r.Code != 0 {
		err = &failure{code: r.Code}
	}
	return err
}

// writeLog keeps git's log of the bisection. Before a bisection has begun, and
// along prebuilt kernels, there is none.
func (b *bisection) writeLog(walk bisect.Walk) (string, error) {
	git, ok := walk.(*commits)
	if !ok {
		return "", nil
	}
	text, err := git.git.Log(context.Background()) // also when interrupted
	if err != nil {
		return "", nil // it had not begun
	}
	file := filepath.Join(b.dir, bisectLog)
	return file, writeFile(file, text)
}

// hint says what to do about ends that are the wrong way round.
func (b *bisection) hint(r bisect.Result) string {
	if r.Outcome != bisect.NoChange || !strings.Contains(r.Text, "wrong way round") {
		return ""
	}
	if b.Tree == "" {
		return "; leave out --find"
	}
	return "; swap --good and --bad"
}

// text is the report for people.
func (r bisectReport) text() string {
	var b strings.Builder
	b.WriteString(bisect.Text(r.Result))
	for _, line := range r.Changelog {
		fmt.Fprintf(&b, "%s\n", line)
	}
	b.WriteString("\n")
	if r.Log != "" {
		fmt.Fprintf(&b, "git's log: git -C %s bisect replay %s\n", r.Asked.Tree, r.Log)
	}
	fmt.Fprintf(&b, "evidence: %s\n", filepath.Join(r.Folder, stepsDir))
	return b.String()
}

// changelog looks for the case's commit in what Debian's changelog says came
// between the two kernels.
func (b *bisection) changelog(ctx context.Context, store *kernels.Store, r bisect.Result) ([]string, error) {
	if b.Tree != "" || b.Question.Case == "" || len(r.First) == 0 || len(r.Before) == 0 {
		return nil, nil
	}
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(corpus, func(c cases.Case) bool { return c.Name == b.Question.Case })
	if i < 0 { // begun by a krepro that knew it
		return nil, nil
	}
	change := corpus[i].Introduced
	if r.Find == bisect.Fix {
		change = corpus[i].Fixed
	}
	newer, err := get(ctx, store, r.First[len(r.First)-1].ID)
	if err != nil {
		return nil, err
	}
	older, err := get(ctx, store, r.Before[0].ID)
	if err != nil || change.Subject == "" || newer.Source != "debian" || older.Source != "debian" {
		return nil, err
	}
	text, err := store.Changelog(ctx, newer)
	if err != nil {
		return nil, err
	}
	return changelogLines(debian.Since(text, older.Package), change, older.Package, newer.Package), nil
}

// changelogLines are the items that name a commit, or the word that none does.
func changelogLines(items []debian.Item, c cases.Change, older, newer string) []string {
	var lines []string
	for _, item := range items {
		if strings.Contains(item.Text, c.Subject) {
			line := fmt.Sprintf("Debian's changelog of %s: %s", newer, item.Text)
			if item.Upstream != "" {
				line += " (upstream " + item.Upstream + ")"
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return []string{fmt.Sprintf("Debian's changelog names %d changes between %s and %s, and none is %q", len(items), older, newer, c.Subject)}
	}
	return lines
}
