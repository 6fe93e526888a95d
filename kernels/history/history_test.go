package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// toy is a git tree of small commits.
type toy struct {
	t   *testing.T
	dir string
}

func newToy(t *testing.T) toy {
	t.Helper()
	r := toy{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r toy) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=A U Thor", "-c", "user.email=author@example.org"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_DATE=2026-03-14T15:09:26Z", "GIT_COMMITTER_DATE=2026-03-14T15:09:26Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes one and returns its hash.
func (r toy) commit(subject string) string {
	r.t.Helper()
	r.git("commit", "--quiet", "--allow-empty", "-m", subject)
	return r.git("rev-parse", "HEAD")
}

func (r toy) commits(n int) (all []string) {
	branch := r.git("branch", "--show-current")
	for i := range n {
		all = append(all, r.commit(fmt.Sprint(branch, " ", i)))
	}
	return all
}

// bisection is from one commit to another.
func (r toy) bisection(old, new string) *Bisection {
	r.t.Helper()
	tree := Tree{r.dir}
	b := &Bisection{Tree: tree, Repo: filepath.Join(r.t.TempDir(), "history.git"), OldTerm: "broken", NewTerm: "fixed"}
	var err error
	if b.Old, err = tree.Resolve(r.t.Context(), old); err != nil {
		r.t.Fatal(err)
	}
	if b.New, err = tree.Resolve(r.t.Context(), new); err != nil {
		r.t.Fatal(err)
	}
	return b
}

// walk goes from Start to the end; term says what each commit is.
func walk(t *testing.T, b *Bisection, term func(hash string) string) (Place, []string) {
	t.Helper()
	p, err := b.Start(t.Context())
	var asked []string
	for err == nil && p.Next != nil {
		asked = append(asked, p.Next.Hash)
		p, err = b.Mark(t.Context(), p.Next.Hash, term(p.Next.Hash))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, asked
}

// A change is found wherever it is, in as few steps as halving takes, and the
// tree is left alone.
func TestWalk(t *testing.T) {
	r := newToy(t)
	all := r.commits(17)
	before := r.git("for-each-ref") + r.git("status", "--porcelain") + r.git("count-objects")
	for _, first := range []int{1, 6, 11, 16} {
		b := r.bisection(all[0], all[16])
		p, asked := walk(t, b, func(hash string) string {
			if slices.Index(all, hash) >= first {
				return "fixed"
			}
			return "broken"
		})
		if len(p.First) != 1 || p.First[0].Hash != all[first] || len(asked) > 5 {
			t.Fatalf("change %d: found %v after %d", first, p.First, len(asked))
		}
		if c := p.First[0]; c.Subject != fmt.Sprint("main ", first) || c.Author != "A U Thor <author@example.org>" || c.Date != "2026-03-14" || !slices.Equal(c.Parents, all[first-1:first]) {
			t.Errorf("commit %+v", c)
		}
	}
	if after := r.git("for-each-ref") + r.git("status", "--porcelain") + r.git("count-objects"); after != before {
		t.Errorf("the tree was changed:\n%s\nbefore:\n%s", after, before)
	}
}

// The first place tells how much there is to do; neighbours leave nothing.
func TestLeft(t *testing.T) {
	r := newToy(t)
	all := r.commits(9)
	p, err := r.bisection(all[0], all[8]).Start(t.Context())
	if err != nil || p.Left != 8 || p.Next == nil {
		t.Errorf("%+v, %v; want 8 left", p, err)
	}
	p, err = r.bisection(all[3], all[4]).Start(t.Context())
	if err != nil || p.Next != nil || len(p.First) != 1 || p.First[0].Hash != all[4] {
		t.Errorf("neighbours: %+v, %v", p, err)
	}
}

// Commits that are skipped become a range if the change is among them. The log
// says so, and can be replayed in the tree.
func TestSkippedRange(t *testing.T) {
	r := newToy(t)
	all := r.commits(16)
	b := r.bisection(all[0], all[15])
	p, _ := walk(t, b, func(hash string) string {
		switch i := slices.Index(all, hash); {
		case i >= 6 && i <= 8:
			return "skip"
		case i > 8:
			return "fixed"
		}
		return "broken"
	})
	var found []string
	for _, c := range p.First {
		found = append(found, c.Hash)
	}
	slices.Sort(found)
	want := slices.Sorted(slices.Values(all[6:10]))
	if p.Next != nil || !slices.Equal(found, want) {
		t.Errorf("range of %d: %v, want 6 to 9", len(found), found)
	}
	log, err := b.Log(t.Context())
	if err != nil || !strings.Contains(string(log), "only skipped commits left") {
		t.Fatalf("log: %s, %v", log, err)
	}
	file := filepath.Join(t.TempDir(), "bisect.log")
	if err := os.WriteFile(file, log, 0o644); err != nil {
		t.Fatal(err)
	}
	replay := exec.Command("git", "-C", r.dir, "bisect", "replay", file)
	if out, err := replay.CombinedOutput(); err == nil || !strings.Contains(string(out), "The first fixed commit could be any of") {
		t.Errorf("replay: %v\n%s", err, out)
	}
}

// A merge that brings the change is found, with both of its parents.
func TestMerge(t *testing.T) {
	r := newToy(t)
	base := r.commits(3)[2]
	r.git("checkout", "--quiet", "-b", "side", base)
	side := r.commits(4)
	r.git("checkout", "--quiet", "main")
	mine := r.commits(4)
	r.git("merge", "--quiet", "--no-ff", "-m", "join", "side")
	join := r.git("rev-parse", "HEAD")
	end := r.commits(3)[2]
	after := []string{join}
	after = append(after, strings.Fields(r.git("rev-list", join+".."+end))...)
	p, _ := walk(t, r.bisection(base, end), func(hash string) string {
		if slices.Contains(after, hash) {
			return "fixed"
		}
		return "broken"
	})
	if len(p.First) != 1 || p.First[0].Hash != join || !slices.Equal(p.First[0].Parents, []string{mine[3], side[3]}) {
		t.Errorf("%+v", p.First)
	}
}

// Which comes first is seen, and that neither does.
func TestOrder(t *testing.T) {
	r := newToy(t)
	all := r.commits(4)
	r.git("checkout", "--quiet", "-b", "side", all[1])
	side := r.commits(2)
	for _, test := range []struct {
		a, b string
		want int
	}{{all[0], all[3], -1}, {all[3], all[0], 1}, {all[3], side[1], 0}, {all[1], side[0], -1}} {
		b := r.bisection(test.a, test.b)
		if got, err := b.Tree.Order(t.Context(), b.Old, b.New); err != nil || got != test.want {
			t.Errorf("%.8s and %.8s: %d, %v; want %d", test.a, test.b, got, err, test.want)
		}
	}
}

// Ends on branches of their own have the point where they part asked first. If
// that is as the new end, the change is elsewhere.
func TestBranches(t *testing.T) {
	r := newToy(t)
	base := r.commits(3)[2]
	r.git("checkout", "--quiet", "-b", "stable", base)
	stable := r.commits(4)
	r.git("checkout", "--quiet", "main")
	mine := r.commits(6)
	b := r.bisection(stable[3], mine[5])
	p, err := b.Start(t.Context())
	if err != nil || p.Next == nil || p.Next.Hash != base {
		t.Fatalf("%+v, %v; want the merge base", p, err)
	}
	_, err = b.Mark(t.Context(), base, "fixed")
	var notBetween *BaseError
	if !errors.As(err, &notBetween) || notBetween.Base != base {
		t.Errorf("error %v, want BaseError of %s", err, base)
	}
	if p, err = b.Start(t.Context()); err == nil {
		p, err = b.Mark(t.Context(), base, "broken")
	}
	if err != nil || p.Next == nil || !slices.Contains(mine, p.Next.Hash) {
		t.Errorf("after the base: %+v, %v", p, err)
	}
}

// Names that git does not know, and ends between which no way leads.
func TestRevErrors(t *testing.T) {
	r := newToy(t)
	all := r.commits(3)
	r.git("checkout", "--quiet", "--orphan", "alien")
	alien := r.commit("nothing in common")
	tree := Tree{r.dir}
	resolve := func(rev string) Commit {
		c, err := tree.Resolve(t.Context(), rev)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	unknown := func(dir, rev string) error { _, err := Tree{dir}.Resolve(t.Context(), rev); return err }
	order := func(a, b string) error { _, err := tree.Order(t.Context(), resolve(a), resolve(b)); return err }
	tests := []struct {
		err  error
		text string
	}{
		{unknown(r.dir, "v6.66"), `there is no commit "v6.66"`},
		{unknown(r.dir, "--help"), `there is no commit "--help"`},
		{unknown(t.TempDir(), "HEAD"), "is no git repository"},
		{order(all[0], "main~2"), "both ends are the commit"},
		{order(all[0], alien), "have no commit in common"},
	}
	for _, test := range tests {
		var wrong *RevError
		if !errors.As(test.err, &wrong) || !strings.Contains(wrong.Text, test.text) {
			t.Errorf("%v, want %q", test.err, test.text)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tree.Resolve(stopped, "main"); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// A shallow clone has no more history than it has.
func TestShallow(t *testing.T) {
	r := newToy(t)
	all := r.commits(8)
	shallow := toy{t, filepath.Join(t.TempDir(), "shallow")}
	if out, err := exec.Command("git", "clone", "--quiet", "--depth=5", "file://"+r.dir, shallow.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	p, _ := walk(t, shallow.bisection(all[4], all[7]), func(hash string) string {
		if hash == all[5] {
			return "broken"
		}
		return "fixed"
	})
	if len(p.First) != 1 || p.First[0].Hash != all[6] {
		t.Errorf("%+v", p.First)
	}
}

// Whatever a killed git left, a bisection starts.
func TestStartAnew(t *testing.T) {
	r := newToy(t)
	all := r.commits(8)
	b := r.bisection(all[0], all[7])
	if _, err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"index.lock", "HEAD.lock", "packed-refs.lock", "BISECT_LOG"} {
		if err := os.WriteFile(filepath.Join(b.Repo, left), []byte("torn"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := b.Start(t.Context()); err != nil || p.Left != 7 {
		t.Errorf("%+v, %v", p, err)
	}
}
