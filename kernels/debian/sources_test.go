package debian

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

const deb822 = `# what a fresh machine has
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
`

const listFormat = `# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://vendor.example/apt bookworm main # not Debian's
deb-src http://mirror2.example/debian bookworm main
deb	http://mirror2.example/debian/ trixie main contrib
deb cdrom:[Debian 12]/ bookworm main
debug nonsense here
deb http://mirror2.example/debian-security trixie-security main
deb http://flat.example/ ./
`

func TestReadSources(t *testing.T) {
	got, err := ReadSources(fstest.MapFS{
		"sources.list":                  {Data: []byte(listFormat)},
		"sources.list.d/debian.sources": {Data: []byte(deb822)},
		"sources.list.d/old.disabled":   {Data: []byte("deb http://x.example/debian sid main")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range got {
		lines = append(lines, strings.Join(append([]string{s.URI, s.Suite}, s.Components...), " "))
	}
	want := []string{
		"http://vendor.example/apt bookworm main",
		"http://mirror2.example/debian/ trixie main contrib",
		"cdrom:[Debian 12]/ bookworm main",
		"http://mirror2.example/debian-security trixie-security main",
		"http://flat.example/ ./",
		"http://mirror.example/debian bookworm main contrib",
		"http://mirror.example/debian bookworm-updates main contrib",
		"http://mirror.example/debian-security bookworm-security main",
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("sources are\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if got[0].SignedBy != "/k.gpg" || !strings.Contains(got[7].SignedBy, "BEGIN PGP") {
		t.Errorf("signed by %q and %q", got[0].SignedBy, got[7].SignedBy)
	}
}

func TestDiscover(t *testing.T) {
	list := filepath.Join(t.TempDir(), "mirrors.list")
	if err := os.WriteFile(list, []byte("# ours\n\nhttps://first.example/debian\tpriority:1\nhttps://second.example/debian\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files fstest.MapFS
		env   map[string]string
		want  Mirrors
		says  string
	}{
		"deb822":    {files: files("a.sources", deb822), want: Mirrors{Main: "http://mirror.example/debian", Security: "http://mirror.example/debian-security"}},
		"one line":  {files: files("a.list", listFormat), want: Mirrors{Main: "http://mirror2.example/debian", Security: "http://mirror2.example/debian-security"}},
		"variables": {env: map[string]string{EnvMirror: "http://e.example/d/", EnvSecurityMirror: "http://e.example/s"}, want: Mirrors{Main: "http://e.example/d", Security: "http://e.example/s"}},
		"a variable is stronger": {
			files: files("a.sources", deb822), env: map[string]string{EnvMirror: "file:/srv/debian"},
			want: Mirrors{Main: "file:/srv/debian", Security: "http://mirror.example/debian-security"},
		},
		"mirror list":   {files: files("a.list", "deb mirror+file:"+list+" bookworm main"), want: Mirrors{Main: "https://first.example/debian", Security: ""}},
		"mirror by net": {files: files("a.list", "deb mirror+http://x.example/list bookworm main"), says: "set " + EnvMirror},
		"other system":  {files: files("a.list", "deb http://archive.example/ubuntu jammy main"), says: "set " + EnvMirror},
		"nothing":       {says: "set " + EnvMirror},
	} {
		got, err := Discover(c.files, func(name string) string { return c.env[name] })
		switch {
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: error is %v, want %q in it", name, err, c.says)
		case c.says == "" && (err != nil || !reflect.DeepEqual(got, c.want)):
			t.Errorf("%s: mirrors are %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func files(name, text string) fstest.MapFS {
	return fstest.MapFS{"sources.list.d/" + name: {Data: []byte(text)}}
}
