package manifest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sockmap.test", "")
	write(t, dir, "sockmap.yaml", "about: x\nmodules: [veth]\nconfig: [CONFIG_CGROUP_BPF]\n")
	write(t, dir, "smoke.test", "")
	write(t, dir, "smoke.yaml", "about: y\non_request: true\nalone: true\nlimit: 90s\n")
	write(t, dir, "notes.txt", "")
	suites, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(suites) != 2 || suites[0].Name != "smoke" || suites[1].Name != "sockmap" {
		t.Fatalf("suites = %+v, want smoke and sockmap", suites)
	}
	s := suites[1]
	if s.Binary != filepath.Join(dir, "sockmap.test") || !slices.Equal(s.Modules, []string{"veth"}) || !slices.Equal(s.Config, []string{"CONFIG_CGROUP_BPF"}) {
		t.Errorf("sockmap = %+v", s)
	}
	if s.Alone || s.Limit != 0 || !suites[0].Alone || suites[0].Limit != 90*time.Second {
		t.Errorf("alone: sockmap %v, smoke %v, want smoke; limits %s, %s", s.Alone, suites[0].Alone, s.Limit, suites[0].Limit)
	}
	if s.OnRequest || !suites[0].OnRequest {
		t.Errorf("on request: sockmap %v, smoke %v; want smoke alone", s.OnRequest, suites[0].OnRequest)
	}
}

func TestFindRefuses(t *testing.T) {
	empty, lonely := t.TempDir(), t.TempDir()
	write(t, lonely, "sockmap.test", "")
	for dir, message := range map[string]string{
		empty:                          "no *.test in",
		filepath.Join(empty, "absent"): "no *.test in",
		lonely:                         "no sockmap.yaml beside it",
	} {
		if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("Find: %v, want %q", err, message)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, text, message string }{
		{"a", "", "parse manifest: EOF"},
		{"a", "about: x\nmodule: [veth]", "line 2: field module not found"},
		{"a", "about: x\n---\nabout: y", "a second document"},
		{"a", "about: ''", "about: want one line"},
		{"a", "about: \"x\\ny\"", "about: want one line"},
		{"a", "about: x\nmodules: [../veth]", `"../veth" is no module name`},
		{"a", "about: x\non_request: perhaps", "cannot unmarshal !!str `perhaps` into bool"},
		{"a", "about: x\nlimit: soon", "cannot unmarshal !!str `soon` into time.Duration"},
		{"a", "about: x\nlimit: -1s", "limit: -1s is negative"},
		{"a", "about: x\nconfig: [CGROUP_BPF]", `"CGROUP_BPF": want CONFIG_`},
		{"A b", "about: x", `suite name "A b"`},
	}
	for _, test := range tests {
		if _, err := Parse(test.name, []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("Parse(%q): %v, want %q", test.text, err, test.message)
		}
	}
}

// A suite that the guest cannot run is refused on the host. The C library's own
// programs are linked dynamically on any host that has one.
func TestFindDynamic(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "sockmap.test", string(shell))
	write(t, dir, "sockmap.yaml", "about: x\n")
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("Find: %v, want a refusal", err)
	}
}

// The manifests of the project's own suites are good.
func TestOwnSuites(t *testing.T) {
	files, err := filepath.Glob("../../suites/*/suite.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifest in suites (%v)", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(filepath.Base(filepath.Dir(file)), data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
