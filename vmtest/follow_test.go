package vmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pour sends text through a channel in small pieces, as a UART does.
func pour(t *testing.T, f *follower, path, text string, console bool) error {
	t.Helper()
	c, err := openChannel("test", path, newSocketPair)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	c.onBytes, c.onLine = f.onBytes, f.onRecord
	if console {
		c.onLine = f.onConsole
	}
	go func() {
		defer c.qemu.Close()
		for len(text) > 0 {
			n := min(7, len(text))
			fmt.Fprint(c.qemu, text[:n])
			text = text[n:]
		}
	}()
	return c.copy()
}

func TestFollow(t *testing.T) {
	const records = `{"kind":"boot"}
torn {"kind":
{"kind":"module","name":"veth"}
{"kind":"suite-start","suite":"smoke"}
{"kind":"suite-begin","specs":3}
{"kind":"spec-begin","spec":"ping"}
{"kind":"spec-end","spec":"ping","state":"passed"}
{"kind":"output","suite":"smoke","text":"ok\n"}
{"kind":"spec-begin","spec":"dispatch"}
{"kind":"spec-end","spec":"dispatch","state":"failed"}
{"kind":"spec-begin","spec":"rest"}
`
	dir := t.TempDir()
	var seen []string
	f := newFollower(dir, func(p Progress) { seen = append(seen, p.Phase+"/"+p.Spec) })
	path := filepath.Join(dir, "events.jsonl")
	if err := pour(t, f, path, records+`{"kind":"spe`, false); err != nil {
		t.Fatal(err)
	}
	f.close()
	got := f.now
	got.Elapsed = 0
	if want := (Progress{Phase: "smoke", Spec: "rest", Planned: 3, Ended: 2, Failed: 1}); got != want {
		t.Errorf("progress is %+v, want %+v", got, want)
	}
	if got := strings.Join(seen, " "); got != "modules/ smoke/ smoke/ smoke/ping smoke/ smoke/dispatch smoke/ smoke/rest" {
		t.Errorf("told %s", got)
	}
	for file, want := range map[string]string{"events.jsonl": records + `{"kind":"spe`, "smoke.log": "ok\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, file)); string(got) != want {
			t.Errorf("%s is %q (%v), want %q", file, got, err, want)
		}
	}
}

func TestFollowKeepsTheEndOfTheConsole(t *testing.T) {
	f := newFollower(t.TempDir(), nil)
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "line %d\r\n", i)
	}
	if err := pour(t, f, filepath.Join(t.TempDir(), "console.log"), text.String(), true); err != nil {
		t.Fatal(err)
	}
	if len(f.tail) != tailLines || f.tail[0] != "line 30" || f.tail[19] != "line 49" {
		t.Errorf("tail is %q", f.tail)
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	f := newFollower(t.TempDir(), nil)
	err := pour(t, f, "/dev/full", "x\n", false)
	if err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a full disk gave %v", err)
	}
}
