package kernels

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// inFolder makes files and folders (those that end in /) and works among them.
func inFolder(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParseTreeRef(t *testing.T) {
	inFolder(t, "linux/", "linux@old/", "linux+rt/", "fix.patch", "more.patch", "a+b.patch", "b.patch", "x.config", "1.patch", "debug")
	for _, c := range []struct {
		text string
		want Ref
	}{
		{"tree:linux", Ref{Tree: "linux"}},
		{"tree:./linux/", Ref{Tree: "./linux/"}},
		{"tree:linux@v5.10.223", Ref{Tree: "linux", Commit: "v5.10.223"}},
		{"tree:linux@origin/main~2", Ref{Tree: "linux", Commit: "origin/main~2"}},
		{"tree:linux@HEAD@{1}", Ref{Tree: "linux", Commit: "HEAD@{1}"}},
		{"tree:linux@old", Ref{Tree: "linux@old"}}, // the folder, not the revision
		{"tree:linux@old@HEAD", Ref{Tree: "linux@old", Commit: "HEAD"}},
		{"tree:linux+rt", Ref{Tree: "linux+rt"}},
		{"tree:linux+fix.patch", Ref{Tree: "linux", Patches: []string{"fix.patch"}}},
		{"tree:linux@HEAD+fix.patch+more.patch", Ref{Tree: "linux", Commit: "HEAD", Patches: []string{"fix.patch", "more.patch"}}},
		{"tree:linux+a+b.patch+./fix.patch", Ref{Tree: "linux", Patches: []string{"a+b.patch", "./fix.patch"}}},
		{"tree:linux+b.patch+x.config+debug", Ref{Tree: "linux", Patches: []string{"b.patch"}, Fragments: []string{"x.config"}, Debug: true}},
		{"tree:linux+./debug", Ref{Tree: "linux", Patches: []string{"./debug"}}},
		{"debian-source:5.10", Ref{DebianSource: "5.10"}},
		{"debian-source:5.10.223-1", Ref{DebianSource: "5.10.223-1"}},
		{"debian-source:6.12.43-1~bpo12+1", Ref{DebianSource: "6.12.43-1~bpo12+1"}},
		{"debian-source:6.12.43-1~bpo12+1+fix.patch", Ref{DebianSource: "6.12.43-1~bpo12+1", Patches: []string{"fix.patch"}}},
		{"debian-source:5.10.223-1+1.patch", Ref{DebianSource: "5.10.223-1", Patches: []string{"1.patch"}}},
		{"debian-source:5.10+debug+fix.patch", Ref{DebianSource: "5.10", Debug: true, Patches: []string{"fix.patch"}}},
	} {
		c.want.Text = c.text
		got, err := ParseRef(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseRef(%s) = %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestParseTreeRefRefuses(t *testing.T) {
	inFolder(t, "linux/", "file", "fix.patch", "folder/")
	for _, c := range []struct{ text, says string }{
		{"tree:", "there is no such folder"},
		{"tree:nowhere@HEAD", "there is no such folder"},
		{"tree:file", "there is no such folder"},
		{"tree:linux@", "there is no revision behind the @"},
		{"tree:linux@+fix.patch", "there is no revision behind the @"},
		{"tree:linux+", `there is no file ""`},
		{"tree:linux@HEAD+fixx.patch", `there is no file "fixx.patch"`},
		{"tree:linux+fix.patch+nope", `there is no file "nope"`},
		{"tree:linux+folder", `there is no file "folder"`},
		{"debian-source:", `"" is no kernel version`},
		{"debian-source:linux", `"linux" is no kernel version`},
		{"debian-source:5.10.223-1+fixx.patch", `there is no file "fixx.patch"`},
	} {
		_, err := ParseRef(c.text)
		var wrong *RefError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseRef(%s): error is %v, want a RefError of one line with %q", c.text, err, c.says)
		}
	}
}
