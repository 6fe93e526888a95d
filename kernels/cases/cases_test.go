package cases

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCorpus(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("the corpus is empty")
	}
	for _, c := range all {
		if len(c.Seen) == 0 {
			t.Errorf("%s: never measured on any kernel", c.Name)
		}
	}
}

func TestExpected(t *testing.T) {
	tests := map[string]Seen{
		"5.4.200":   Unknown, // older than the bug, not listed: may have got it
		"5.10.79":   Unaffected,
		"5.10.80":   Affected,
		"5.10.218":  Affected,
		"5.10.221":  Affected,
		"5.10.222":  Unaffected,
		"5.10.262":  Unaffected,
		"5.14.21":   Unknown,
		"5.15":      Unaffected,
		"5.15.2":    Unaffected,
		"5.15.3":    Affected,
		"5.15.78":   Affected,
		"5.15.79":   Unaffected,
		"5.16-rc1":  Affected,
		"5.16":      Affected,
		"5.16.20":   Affected, // ended before the fix
		"5.17.15":   Affected,
		"5.18-rc3":  Affected,
		"5.18":      Affected,
		"5.18.19":   Unknown, // fixed in one of 5.18's last releases
		"5.19":      Affected,
		"5.19.17":   Unknown,
		"6.0-rc1":   Unaffected,
		"6.0":       Unaffected,
		"6.1.192":   Unaffected,
		"6.12.117":  Unaffected,
		"7.2.13":    Unaffected,
		"":          Unknown,
		"5.10.218+": Unknown,
	}
	c := read(t, "sockhash-stale-entry")
	for v, want := range tests {
		if got := c.Expected(v); got != want {
			t.Errorf("%s: %s, want %s", v, got, want)
		}
	}
	c.Fixed = Change{}
	if got := c.Expected("6.12.117"); got != Affected {
		t.Errorf("without a fix 6.12.117 is %s, want affected", got)
	}
	c.Introduced = Change{}
	if got := c.Expected("4.19.1"); got != Affected {
		t.Errorf("without a commit that brought it 4.19.1 is %s, want affected", got)
	}
	c.Seen = map[string]Seen{"6.1.192-2": Untestable}
	if got := c.ExpectedOf("6.1.192-2", "6.1.192"); got != Untestable {
		t.Errorf("seen untestable, 6.1.192-2 is %s", got)
	}
	c.Untestable = []string{"6.6"}
	if got := c.ExpectedOf("6.6.1-1", "6.6.1"); got != Untestable {
		t.Errorf("on an untestable line, 6.6.1-1 is %s", got)
	}
	if got := (Case{Invariant: true}).Expected("5.10.218"); got != Unaffected {
		t.Errorf("of an invariant 5.10.218 is %s, want unaffected", got)
	}
}

// Every fault of a file is refused, and the message says where and what.
func TestParseRefuses(t *testing.T) {
	data, err := os.ReadFile("sockhash-stale-entry.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, message string }{
		{"unknown field", "title:", "headline: x\ntitle:", "line 1: field headline not found"},
		{"no title", "title: a socket destroyed without close stays in its sockhash", "title: ' '", "title and about must be there"},
		{"field twice", "may:\n", "may: []\nmay:\n", `already defined at line`},
		{"short commit", "commit: b8b8315e39ffaca82e79d86dde26e9144addf66b", "commit: b8b8315e39ff", "want the full hash"},
		{"no subject", `subject: "bpf, sockmap: Remove unhash handler for BPF sockmap usage"`, `subject: ""`, "introduced: subject must be there"},
		{"release of another line", `"5.15": 5.15.3`, `"5.15": 5.14.3`, "stable 5.15: 5.14.3 is of another line"},
		{"no version", "mainline: 5.16-rc1", "mainline: next", `introduced: mainline: parse kernel version "next"`},
		{"unpinned and pinned", `unpinned: ["5.18"`, `unpinned: ["5.15"`, `"5.15" is no line, or fixed has its release`},
		{"unknown symptom", "[stale-entry]", "[stale-entries]", `unknown symptom "stale-entries"`},
		{"no symptom", "[stale-entry]", "[]", "no symptom"},
		{"other is no symptom of a bug", "[stale-entry]", "[other]", `unknown symptom "other"`},
		{"measured against the commits", "5.10.223-1: unaffected", "5.10.223-1: affected", "seen 5.10.223-1: affected, but by its commits it is unaffected"},
		{"neither", "5.10.223-1: unaffected", "5.10.223-1: perhaps", "none of affected, unaffected, untestable"},
		{"invariant with a commit", "title:", "invariant: true\ntitle:", "what must not change has no commits"},
		{"no line", "title:", "untestable: [\"5.10.1\"]\ntitle:", "is no line"},
		{"tested on an untestable line", "title:", "untestable: [\"6.12\"]\ntitle:", "its line is untestable"},
		{"second document", "title:", "---\ntitle: x\n---\ntitle:", "a second document"},
		{"no list", "unpinned: [", "unpinned: 3 #", "line "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			broken := strings.Replace(string(data), test.old, test.new, 1)
			if broken == string(data) {
				t.Fatalf("%q does not stand in the file", test.old)
			}
			_, err := Parse("stale", []byte(broken))
			if err == nil || !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), "stale.yaml") {
				t.Errorf("error %v, want stale.yaml and %q", err, test.message)
			}
		})
	}
}

func TestLoadNames(t *testing.T) {
	if _, err := load(fstest.MapFS{"Bad_Name.yaml": {Data: []byte("title: x")}}); err == nil || !strings.Contains(err.Error(), "Bad_Name") {
		t.Errorf("error %v, want one about Bad_Name", err)
	}
}

// FuzzParse: whatever a file holds, a case that is accepted can be asked about
// any version.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("sockhash-stale-entry.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data), "5.10.218")
	f.Fuzz(func(t *testing.T, file, version string) {
		c, err := Parse("x", []byte(file))
		if err != nil {
			return
		}
		if got := c.Expected(version); got != Affected && got != Unaffected && got != Unknown {
			t.Errorf("Expected(%q) = %q", version, got)
		}
	})
}

func read(t *testing.T, name string) Case {
	t.Helper()
	data, err := os.ReadFile(name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
