package kernels

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/internal/fake"
)

func TestBuildRefuses(t *testing.T) {
	dir, s, _ := toy(t)
	folder := toyFolder(t)
	configured := toyFolder(t)
	edit(t, configured, ".config", "CONFIG_X=y\n")
	other := filepath.Join(t.TempDir(), "other")
	edit(t, other, "README", "no kernel\n")
	bare := filepath.Join(t.TempDir(), "linux.git")
	fake.Git(t, dir, "clone", "--quiet", "--bare", dir, bare)
	module := filepath.Join(t.TempDir(), "module.config")
	edit(t, filepath.Dir(module), "module.config", "CONFIG_EXTRA=m\n")
	for _, c := range []struct{ ref, says string }{
		{"tree:" + dir + "@v1.2.3", `has no revision "v1.2.3"`},
		{"tree:" + dir + "@--all", `has no revision "--all"`},
		{"tree:" + folder + "@HEAD", "under no git"},
		{"tree:" + configured, "make mrproper"},
		{"tree:" + other, "no kernel tree"},
		{"tree:" + bare, "bare repository"},
		{"tree:" + dir + "+" + module, "module.config:1: CONFIG_EXTRA cannot be a module"},
	} {
		_, err := get(s, c.ref)
		var wrong *RefError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want a RefError of one line with %q", c.ref, err, c.says)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "sources", "folder-other-*")); len(left) > 0 {
		t.Errorf("files of no kernel were read into %v", left)
	}
	if _, err := get(s, "tree:"+bare+"@HEAD"); err != nil {
		t.Errorf("a revision of a bare repository: %v", err)
	}
}

func TestBuildWithPatchThatDoesNotApply(t *testing.T) {
	dir, s, _ := toy(t)
	good := patchFor(t, "good.patch", "int c2;", "int fixed;")
	empty := filepath.Join(t.TempDir(), "empty.patch")
	edit(t, filepath.Dir(empty), "empty.patch", "nothing\n")
	before := state(t, dir)
	for _, c := range []struct {
		patches []string
		says    []string
	}{
		{[]string{patchFor(t, "bad.patch", "int nowhere;", "int x;")},
			[]string{"bad.patch: does not apply: hunk 1 of 1 of net/c.c, for line 1", "| int nowhere;"}},
		{[]string{good, good}, []string{"good.patch: the tree has its changes already"}},
		{[]string{empty}, []string{"empty.patch: does not apply: No valid patches in input"}},
	} {
		_, err := get(s, "tree:"+dir+"@HEAD+"+strings.Join(c.patches, "+"))
		var unbuildable *BuildError
		if !errors.As(err, &unbuildable) || unbuildable.Stage != StagePatch {
			t.Fatalf("error is %v, want a BuildError of stage patch", err)
		}
		for _, says := range c.says {
			if !strings.Contains(unbuildable.Text, says) {
				t.Errorf("it says %q, want %q in it", unbuildable.Text, says)
			}
		}
	}
	checkUntouched(t, dir, before)
	if left, err := filepath.Glob(filepath.Join(s.Dir, sourcesDir, "*", "patch.index*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	checkEmpty(t, s)
}

func TestBuildThatFails(t *testing.T) {
	dir, s, _ := toy(t)
	first := mustGet(t, s, "tree:"+dir)
	edit(t, dir, "net/c.c", "int c1;\n\n BROKEN\n", "a.c", "int fine;\n")
	_, err := get(s, "tree:"+dir)
	var unbuildable *BuildError
	if !errors.As(err, &unbuildable) || unbuildable.Stage != StageCompile {
		t.Fatalf("error is %v, want a BuildError of stage compile", err)
	}
	if want := "net/c.c:3:2: error: unknown type name 'BROKEN'\n    3 |  BROKEN\n      |  ^~~~~~"; unbuildable.Text != want {
		t.Errorf("it says\n%s\nwant\n%s", unbuildable.Text, want)
	}
	if log, err := os.ReadFile(unbuildable.Log); err != nil || !strings.Contains(string(log), "BROKEN") {
		t.Errorf("the log is %q, %v", log, err)
	}
	checkEmpty(t, s)
	edit(t, dir, "net/c.c", "int c1;\n\n mended;\n")
	if img := mustGet(t, s, "tree:"+dir); !strings.Contains(made(t, img), "net/c.o") || strings.Contains(made(t, img), "b.o") || img.ID == first.ID {
		t.Errorf("after the failure made %q, want net/c.o and not b.o", made(t, img))
	}
}

// A full disk is no fault of the tree.
func TestBuildOnFullDisk(t *testing.T) {
	dir, s, _ := toy(t)
	edit(t, dir, "b.c", "FULL\n")
	_, err := get(s, "tree:"+dir)
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "the disk is full: b.c: fatal error") {
		t.Errorf("error is %v, want an UnavailableError about the disk", err)
	}
}

func TestBuildInterrupted(t *testing.T) {
	dir, s, _ := toy(t)
	edit(t, dir, "b.c", "SLOW\n")
	ref, err := ParseRef("tree:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Get(ctx, ref)
		ended <- err
	}()
	waitFor(t, "the compiler runs", func() bool { return halfMade(s) })
	cancel()
	var unbuildable *BuildError
	if err := <-ended; !errors.Is(err, context.Canceled) || errors.As(err, &unbuildable) {
		t.Errorf("error is %v, want that it was cancelled, and no fault of the tree", err)
	}
	if halfMade(s) {
		t.Error("the half-made object is left")
	}
	checkEmpty(t, s)
	edit(t, dir, "b.c", "int b2;\n")
	if got := made(t, mustGet(t, s, "tree:"+dir)); !strings.Contains(got, "b.o") {
		t.Errorf("afterwards made %q, want b.o among it", got)
	}
}

// Of a make that was killed nobody knows what it left: all is made anew.
func TestBuildAfterKill(t *testing.T) {
	dir, s, _ := toy(t)
	mustGet(t, s, "tree:"+dir)
	folders, err := filepath.Glob(filepath.Join(s.Dir, treesDir, "git-*"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	edit(t, folders[0], "unfinished", "", "index.lock", "", "src/stray.c", "int stray;\n")
	edit(t, dir, "a.c", "int other;\n")
	got := made(t, mustGet(t, s, "tree:"+dir))
	for _, object := range []string{"a.o", "b.o", "net/c.o"} {
		if !strings.Contains(got, object) {
			t.Errorf("made %q, want %s among it", got, object)
		}
	}
	if strings.Contains(got, "stray") {
		t.Errorf("made %q: of a file that is not in the tree", got)
	}
}
