package compare

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

var about = About{
	Version: "0.1.0", Command: "krepro backport --base tree:linux@v5.10.218 --patch fix.patch --case some-bug", Size: "quick",
	Specs: []string{"net: listener closed with unaccepted connections leaves no entry"},
	Base: &event.Kernel{Release: "5.10.218", Build: &event.Build{
		Commit: "3f2a91c0d1e23f2a91c0d1e23f2a91c0d1e23f2a", Subject: "Linux 5.10.218",
		Config: "0f343b0931126a20f133d67c2b018a3b", Compiler: "gcc (Debian 12.2.0-14) 12.2.0",
		Patches: []event.Patch{{Name: "build.patch", ID: "0123"}},
	}},
	After: &event.Kernel{Release: "5.10.218", Build: &event.Build{
		Patches: []event.Patch{{Name: "build.patch", ID: "0123"}, {Name: "fix.patch", ID: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"}},
		Config:  "0f343b0931126a20f133d67c2b018a3b",
	}},
}

func TestMail(t *testing.T) {
	good := affected.with(spec("other", verdict.Pass), churned(2))
	fixed := unaffected.with(spec("other", verdict.Pass), churned(2.1))
	worse := unaffected.with(spec("other", verdict.Fail), tried("rare", verdict.Fail, 3, 50), churned(2))
	worse.splats = warning
	debugged := pairs(1, good, worse)
	for i := range debugged {
		debugged[i].Kind = OfDebug
	}
	for name, text := range map[string]string{
		"validated":    mail(Of(bug, pairs(2, good, fixed), ""), about),
		"harmful":      mail(Of(bug, append(pairs(3, good.with(tried("rare", verdict.Pass, 0, 50)), worse), debugged...), ""), about),
		"does-not-fit": mail(Without(bug, NotValidated, "it does not apply: fix.patch: net/core/sock_map.c: hunk 2 (line 1503)\nwant:\n  return;"), About{Version: "0.1.0", Specs: about.Specs, Command: about.Command, Base: about.Base}),
	} {
		golden(t, name+".txt", text)
	}
}

func mail(r Report, a About) string { return r.Table() + "\n" + r.Mail(a) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(got), want) {
		t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", name, got)
	}
}
