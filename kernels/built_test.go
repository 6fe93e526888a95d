package kernels

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/krepro/krepro/kernels/build"
	"github.com/krepro/krepro/kernels/configs"
	"github.com/krepro/krepro/kernels/internal/fake"
)

const toyRelease = "5.10.901"

// toy makes a tree under git that builds like a kernel, an empty store, and the
// lines that this says.
func toy(t *testing.T) (dir string, s *Store, said *lines) {
	t.Helper()
	dir = toyFolder(t)
	fake.Commit(t, dir, "first")
	s, said = building(t)
	return dir, s, said
}

// toyFolder is such a tree under no git.
func toyFolder(t *testing.T) string {
	t.Helper()
	standard, err := configs.Standard(true)
	if err != nil {
		t.Fatal(err)
	}
	var options []string
	for _, f := range standard {
		for _, o := range f.Options {
			options = append(options, o.Name)
		}
	}
	dir := filepath.Join(t.TempDir(), "linux")
	fake.Tree(t, dir, toyRelease, append(options, "CONFIG_EXTRA"))
	return dir
}

// building is an empty store that can build.
func building(t *testing.T) (*Store, *lines) {
	t.Helper()
	if missing := build.Missing(t.Context()); len(missing) > 0 {
		t.Skipf("building needs %s", strings.Join(missing, " "))
	}
	s, said := emptyStore(t), &lines{}
	s.Progress = said.add
	return s, said
}

// edit writes files of a tree, name and content in turns.
func edit(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		fake.Write(t, filepath.Join(dir, files[i]), []byte(files[i+1]))
	}
}

// state is all that lies in a folder: names, times of change and sizes.
func state(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if strings.Contains(path, ".git/objects/") { // git renews the times of objects that it finds again
			b.WriteString(path + "\n")
			return err
		}
		b.WriteString(path + " " + info.ModTime().String() + " " + info.Mode().String() + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkUntouched compares a tree with how it was.
func checkUntouched(t *testing.T, dir, before string) {
	t.Helper()
	for line := range strings.Lines(state(t, dir)) {
		if !strings.Contains(before, line) {
			t.Errorf("touched: %s", strings.TrimSpace(line))
		}
	}
	if after := state(t, dir); len(after) != len(before) {
		t.Errorf("%d bytes of names and times are now %d", len(before), len(after))
	}
}

// made are the objects that the log of the last build of a kernel names.
func made(t *testing.T, img *Image) string {
	t.Helper()
	log, err := os.ReadFile(img.Kept("build.log"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	for line := range strings.Lines(string(log)) {
		if object, ok := strings.CutPrefix(line, "  CC      "); ok {
			objects = append(objects, strings.TrimSpace(object))
		}
	}
	return strings.Join(objects, " ")
}

func TestBuildOfCommit(t *testing.T) {
	dir, s, said := toy(t)
	commit := fake.Git(t, dir, "rev-parse", "HEAD")
	edit(t, dir, "a.c", "BROKEN\n") // what lies there plays no part
	before := state(t, dir)
	ref := "tree:" + dir + "@HEAD"
	img := mustGet(t, s, ref)
	b := img.Build
	if b == nil || b.Commit != commit || b.Subject != "first" || b.Tree != fake.Git(t, dir, "rev-parse", "HEAD^{tree}") ||
		len(b.Config) != 64 || len(b.Code) != 64 || !strings.HasPrefix(b.Compiler, "gcc ") || b.Debug || b.Patches != nil {
		t.Errorf("Build is %+v", b)
	}
	if img.Ref != ref || img.Name != "tree-"+toyRelease+"-"+commit[:12] || img.Source != "tree" || img.Release != toyRelease ||
		img.Version != "5.10.901" || !img.HasBTF || made(t, img) == "" {
		t.Errorf("the image is %+v", img)
	}
	config, err := img.ReadConfig()
	if err != nil || config.Get("CONFIG_BPF_SYSCALL") != "y" || config.Get("CONFIG_DEFAULT_MODULE") != "n" {
		t.Errorf("BPF_SYSCALL is %s, DEFAULT_MODULE is %s, %v; want y, and no module", config.Get("CONFIG_BPF_SYSCALL"), config.Get("CONFIG_DEFAULT_MODULE"), err)
	}
	built := said.count("building ")
	if all, err := s.Images(); err != nil || len(all) != 1 || all[0].Name != img.Name {
		t.Errorf("the cache has %v, %v; want %s", all, err, img.Name)
	}
	again := mustGet(t, s, "tree:"+dir+"@"+commit)
	if again.ID != img.ID || built != 1 || said.count("building ") != 1 {
		t.Errorf("asked again: id %s, want %s; built %d times, want once", again.ID, img.ID, said.count("building "))
	}
	if by := mustGet(t, s, "tree:"+dir+"@:/fir"); by.Build.Commit != commit {
		t.Errorf("by a word of its message: commit %s", by.Build.Commit)
	}
	checkUntouched(t, dir, before)
}

// The same files are the same kernel, by whatever commit they are named.
func TestBuildIsNamedByWhatWasAsked(t *testing.T) {
	dir, s, said := toy(t)
	first := mustGet(t, s, "tree:"+dir+"@HEAD")
	second := fake.Commit(t, dir, "nothing changed")
	img := mustGet(t, s, "tree:"+dir+"@HEAD")
	if img.ID != first.ID || img.Build.Code != first.Build.Code || said.count("building ") != 1 {
		t.Errorf("the same files give %s, built %d times; want %s, once", img.ID, said.count("building "), first.ID)
	}
	if img.Build.Commit != second || img.Build.Subject != "nothing changed" || !strings.HasSuffix(img.Name, second[:12]) {
		t.Errorf("named %s, %+v; want commit %s", img.Name, img.Build, second)
	}
}

func TestBuildOfFilesAsTheyLie(t *testing.T) {
	dir, s, _ := toy(t)
	clean := mustGet(t, s, "tree:"+dir)
	if clean.Build.Commit != fake.Git(t, dir, "rev-parse", "HEAD") || clean.Build.Subject != "first" {
		t.Errorf("an unchanged work tree is %+v, want HEAD", clean.Build)
	}
	edit(t, dir, "a.c", "int changed;\n", "new.c", "int added;\n", "ignored.o", "left by a build")
	if err := os.Remove(filepath.Join(dir, "b.c")); err != nil {
		t.Fatal(err)
	}
	fake.Git(t, dir, "add", "a.c") // staged or not is all the same
	before := state(t, dir)
	img := mustGet(t, s, "tree:"+dir)
	checkUntouched(t, dir, before)
	if img.Build.Commit != "" || !strings.HasPrefix(img.Build.Subject, "changes on ") || img.Name != "tree-"+toyRelease+"-"+img.Build.Tree[:12] {
		t.Errorf("%s: %+v; want no commit", img.Name, img.Build)
	}
	if got := made(t, img); got != "a.o new.o" && got != "new.o a.o" {
		t.Errorf("made %s, want a.o and new.o: b.c is gone, net/c.c has not changed", got)
	}
	fake.Git(t, dir, "add", "--all")
	if want := fake.Git(t, dir, "write-tree"); img.Build.Tree != want {
		t.Errorf("built %s, git's own hash of the files is %s", img.Build.Tree, want)
	}
}

func TestBuildOfFolder(t *testing.T) {
	dir := toyFolder(t)
	s, said := building(t)
	before := state(t, dir)
	first := mustGet(t, s, "tree:"+dir)
	if first.Build.Commit != "" || first.Build.Subject != "files of linux" {
		t.Errorf("Build is %+v", first.Build)
	}
	if again := mustGet(t, s, "tree:"+dir); again.ID != first.ID || said.count("reading ") != 1 || said.count("building ") != 1 {
		t.Errorf("asked again: %s, want %s; read %d times, built %d times", again.ID, first.ID, said.count("reading "), said.count("building "))
	}
	checkUntouched(t, dir, before)
	edit(t, dir, "b.c", "int other;\n")
	if got := made(t, mustGet(t, s, "tree:"+dir)); got != "b.o" {
		t.Errorf("after a change of b.c made %q", got)
	}
}

// patchFor is a file with the change of one line of net/c.c.
func patchFor(t *testing.T, name, from, to string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	fake.Write(t, file, []byte("From: somebody\nSubject: [PATCH] a change\n\n---\n"+
		"--- a/net/c.c\n+++ b/net/c.c\n@@ -1,4 +1,4 @@\n int c1;\n-"+from+"\n+"+to+"\n int c3;\n int c4;\n"))
	return file
}

func TestBuildWithPatches(t *testing.T) {
	dir, s, _ := toy(t)
	plain := mustGet(t, s, "tree:"+dir+"@HEAD")
	one := patchFor(t, "one.patch", "int c2;", "int fixed;")
	two := patchFor(t, "two.patch", "int fixed;", "int fixed_again;")
	before := state(t, dir)
	img := mustGet(t, s, "tree:"+dir+"@HEAD+"+one+"+"+two)
	checkUntouched(t, dir, before)
	p := img.Build.Patches
	if len(p) != 2 || p[0].Name != "one.patch" || p[1].Name != "two.patch" || len(p[0].ID) != 40 || p[0].ID == p[1].ID {
		t.Errorf("patches are %+v", p)
	}
	c := filepath.Join(dir, "net/c.c")
	text, err := os.ReadFile(c)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, "net/c.c", strings.Replace(string(text), "int c2;", "int fixed;", 1))
	fake.Commit(t, dir, "the same as one.patch")
	said, err := exec.Command("sh", "-c", "git -C "+dir+" show | git patch-id --stable").Output()
	if err != nil || !strings.HasPrefix(string(said), p[0].ID+" ") {
		t.Errorf("patch-id of one.patch is %s; git says of the same change %s, %v", p[0].ID, said, err)
	}
	fake.Git(t, dir, "reset", "--quiet", "--hard", plain.Build.Commit)
	if img.Build.Commit != plain.Build.Commit || img.Build.Tree == plain.Build.Tree || img.ID == plain.ID || img.Name != plain.Name+"+one+two" {
		t.Errorf("patched: %s, %+v", img.Name, img.Build)
	}
	if got := made(t, img); got != "net/c.o" {
		t.Errorf("made %q, want net/c.o alone", got)
	}
	// And back: the next build has no trace of the patches.
	edit(t, dir, "a.c", "int x;\n")
	if got := made(t, mustGet(t, s, "tree:"+dir)); got != "a.o net/c.o" && got != "net/c.o a.o" {
		t.Errorf("without the patches made %q", got)
	}
}

func TestBuildWithOptions(t *testing.T) {
	dir, s, _ := toy(t)
	plain := mustGet(t, s, "tree:"+dir)
	extra, gone := filepath.Join(t.TempDir(), "extra.config"), filepath.Join(t.TempDir(), "gone.config")
	edit(t, filepath.Dir(extra), "extra.config", "CONFIG_EXTRA=y # wanted\nCONFIG_IPV6=n\n")
	edit(t, filepath.Dir(gone), "gone.config", "CONFIG_EXTRA=y\nCONFIG_UNHEARD_OF=y\n")
	img := mustGet(t, s, "tree:"+dir+"+"+extra+"+debug")
	config, err := img.ReadConfig()
	if err != nil || config.Get("CONFIG_EXTRA") != "y" || config.Get("CONFIG_IPV6") != "n" || config.Get("CONFIG_KASAN") != "y" {
		t.Errorf("options: %v, %v", config, err)
	}
	if img.Name != plain.Name+"+extra+debug" || !img.Build.Debug || img.Build.Config == plain.Build.Config || img.ID == plain.ID {
		t.Errorf("%s: %+v", img.Name, img.Build)
	}
	_, err = get(s, "tree:"+dir+"+"+gone)
	var unbuildable *BuildError
	if !errors.As(err, &unbuildable) || unbuildable.Stage != StageConfig ||
		!strings.Contains(unbuildable.Text, "CONFIG_UNHEARD_OF=y of gone.config is gone") {
		t.Errorf("an option that does not survive: %v", err)
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in 30 s", what)
		}
	}
}

// halfMade tells whether the slow compiler is at work on b.c.
func halfMade(s *Store) bool {
	found, err := filepath.Glob(filepath.Join(s.Dir, treesDir, "*/obj/b.o"))
	return err == nil && len(found) == 1
}

// Two that want the same kernel build it once; two of one tree take turns.
func TestBuildTwoAtOnce(t *testing.T) {
	dir, s, said := toy(t)
	patch := patchFor(t, "one.patch", "int c2;", "int fixed;")
	var group sync.WaitGroup
	for _, ref := range []string{"tree:" + dir, "tree:" + dir, "tree:" + dir + "+" + patch, "tree:" + dir + "+debug"} {
		group.Go(func() {
			r, err := ParseRef(ref)
			if err == nil {
				_, err = s.Get(t.Context(), r)
			}
			if err != nil {
				t.Errorf("%s: %v", ref, err)
			}
		})
	}
	group.Wait()
	if n := said.count("building "); n != 3 {
		t.Errorf("built %d times, want 3", n)
	}
	if folders, err := filepath.Glob(filepath.Join(s.Dir, treesDir, "git-*")); err != nil || len(folders) != 2 {
		t.Errorf("build folders are %v, %v; want two: plain and debug", folders, err)
	}
	checkEmpty(t, s)
}

func TestBuildTellsProgress(t *testing.T) {
	dir, s, _ := toy(t)
	var most, expected atomic.Int32
	var ends atomic.Int32
	s.Building = func(b Building) {
		most.Store(int32(b.Made))
		expected.Store(int32(b.Expected))
		if b.Ended {
			ends.Add(1)
		}
	}
	mustGet(t, s, "tree:"+dir)
	if most.Load() != 3 || ends.Load() != 1 {
		t.Errorf("told %d files and %d ends, want 3 and 1", most.Load(), ends.Load())
	}
	mustGet(t, s, "tree:"+dir+"+debug") // from nothing again
	if expected.Load() != 3 || ends.Load() != 2 {
		t.Errorf("expects %d files of a second build, want 3; %d ends, want 2", expected.Load(), ends.Load())
	}
}

func TestPruneBuilds(t *testing.T) {
	dir, s, _ := toy(t)
	mustGet(t, s, "tree:"+dir)
	other := &Store{Dir: s.Dir}
	left := func() []string {
		var all []string
		for _, sub := range []string{sourcesDir, treesDir} {
			found, err := filepath.Glob(filepath.Join(s.Dir, sub, "git-*"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, found...)
		}
		return all
	}
	if _, err := other.Prune(0, false); err != nil || len(left()) != 2 {
		t.Errorf("pruned what a running krepro has: %v, %v", left(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Prune(time.Hour, false); err != nil || len(left()) != 2 {
		t.Errorf("pruned what was used just now: %v, %v", left(), err)
	}
	if p, err := other.Prune(0, true); err != nil || p.Bytes == 0 || len(left()) != 2 {
		t.Errorf("dry: %+v, %v, left %v", p, err, left())
	}
	if _, err := other.Prune(0, false); err != nil || len(left()) != 0 {
		t.Errorf("left after pruning: %v, %v", left(), err)
	}
	mustGet(t, s, "tree:"+dir)
}

func TestBuildOfDebianSource(t *testing.T) {
	dir := toyFolder(t)
	if err := os.Symlink("a.c", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "scripts/cc"), 0o755); err != nil {
		t.Fatal(err)
	}
	old, newest := fake.SourcePackage(t, "5.10", "5.10.900-1", dir), fake.SourcePackage(t, "5.10", "5.10.901-1", dir)
	s, said := newStore(t, fake.NewArchive(t, old, newest, fake.SourcePackage(t, "6.1", "6.1.5-1", dir)))
	if missing := build.Missing(t.Context()); len(missing) > 0 {
		t.Skipf("building needs %s", strings.Join(missing, " "))
	}
	img := mustGet(t, s, "debian-source:5.10")
	if img.Build.Subject != "linux-source-5.10 5.10.901-1" || img.Build.Commit != "" {
		t.Errorf("Build is %+v", img.Build)
	}
	exact := mustGet(t, s, "debian-source:5.10.900-1")
	if exact.ID != img.ID || exact.Build.Subject != "linux-source-5.10 5.10.900-1" || said.count("building ") != 1 {
		t.Errorf("the same files give %s of %s, want %s", exact.ID, exact.Build.Subject, img.ID)
	}
	fake.Commit(t, dir, "the same")
	if want := fake.Git(t, dir, "rev-parse", "HEAD^{tree}"); img.Build.Tree != want {
		t.Errorf("imported as %s, git's own hash of the files is %s", img.Build.Tree, want)
	}
	if _, err := get(s, "debian-source:5.10.777-1"); err == nil || !strings.Contains(err.Error(), "they have 6.1.5-1, 5.10.901-1, 5.10.900-1") {
		t.Errorf("a version that there is not: %v", err)
	}
}

// Git keeps trees in several ways.
func TestBuildOfTreesOfEachKind(t *testing.T) {
	dir, s, said := toy(t)
	edit(t, dir, "a.c", "int second;\n")
	head := fake.Commit(t, dir, "second")
	at := t.TempDir()
	shallow, shared, worktree := filepath.Join(at, "shallow"), filepath.Join(at, "shared"), filepath.Join(at, "worktree")
	fake.Git(t, at, "clone", "--quiet", "--depth=1", "file://"+dir, shallow)
	fake.Git(t, at, "clone", "--quiet", "--shared", dir, shared)
	fake.Git(t, dir, "worktree", "add", "--quiet", "--detach", worktree)
	for _, tree := range []string{shallow, shared, worktree} {
		for _, ref := range []string{"tree:" + tree, "tree:" + tree + "@HEAD"} {
			if img := mustGet(t, s, ref); img.Build.Commit != head || img.Build.Subject != "second" {
				t.Errorf("%s: %+v, want commit %s", ref, img.Build, head)
			}
		}
	}
	if n := said.count("building "); n != 1 {
		t.Errorf("built the same files %d times", n)
	}
	// As in a hook, or a script of git: what names another repository is not taken.
	t.Setenv("GIT_DIR", filepath.Join(at, "nowhere"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(at, "nowhere"))
	edit(t, shallow, "a.c", "int third;\n")
	if img := mustGet(t, s, "tree:"+shallow); !strings.HasPrefix(img.Build.Subject, "changes on "+head[:12]) {
		t.Errorf("with git's variables set: %+v", img.Build)
	}
}
