package matrix

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// some is what the test files may name.
var some = Known{
	Suites: []string{"smoke", "sockmap", "probes"}, Cases: []string{"sockhash-stale-entry"}, Runners: []string{"qemu", "virtme-ng"},
	Kernel: refuse("newest of 6.1", "6.1"), Set: refuse("newest"),
}

func refuse(texts ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(texts, s) {
			return errors.New("this makes no sense")
		}
		return nil
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	got, err := Parse("whole.yaml", sample(t, "good/whole.yaml"), some)
	if err != nil {
		t.Fatal(err)
	}
	got.SHA256 = ""
	want := File{
		Name:    "whole.yaml",
		Kernels: []string{"debian:5.10.218-1", "newest 2 of debian:6.1", "all of debian:sid/amd64", "./bzImage"},
		Suites:  []string{"smoke", "sockmap"}, Size: "quick", Sizes: map[string]string{"sockmap": "soak"},
		VM: VM{CPUs: 2, Memory: "1G", Accel: "tcg", Runner: "qemu", Jobs: 4, Timeout: 20 * time.Minute},
		Expect: []Expectation{
			{Line: 18, Kernels: "6.1 <6.1.200", Case: "sockhash-stale-entry", Is: "affected", Reason: "the fix is not in yet", Link: "https://bugs.example.org/1", Until: "2027-03-31"},
			{Line: 24, Kernels: "all", Suite: "sockmap", Spec: "sockmap closing a listener leaves no entry", Is: "fail", Reason: "under investigation", Link: "https://bugs.example.org/2", Until: "2027-03-31"},
		},
		Durations: "durations.json", Keep: Keep{Runs: 20, Days: 30},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	least, err := Parse("", sample(t, "good/least.yaml"), some)
	if err != nil || least.Size != "default" || len(least.SHA256) != 64 {
		t.Errorf("the least file: %+v, %v", least, err)
	}
	if f, err := Parse("", sample(t, "good/line.yaml"), some); err != nil || f.Expect[0].Kernels != "6.10" {
		t.Errorf("a line that YAML takes for a number: %+v, %v", f.Expect, err)
	}
	if f, err := Parse("", Default, some); err != nil || len(f.Kernels) < 7 {
		t.Errorf("the default matrix: %+v, %v", f, err)
	}
}

// Each mistake is told in a line, with the place and what to do.
func TestParseRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"no-kernels":      "1:1: a matrix needs kernels",
		"kernels-no-list": "1:10: kernels is a list; write an entry behind each -",
		"kernels-empty":   "1:10: kernels is a list",
		"kernel-null":     "2:4: want a text",
		"unknown-field":   `2:1: a matrix has no field "siez"; did you mean size?`,
		"twice":           "3:1: size stands twice; leave one",
		"size":            `2:7: "huge" is none of quick, default, soak`,
		"sizes":           `4:12: "huge" is none of quick, default, soak`,
		"sizes-list":      "2:8: sizes is a mapping; write FIELD: VALUE",
		"sizes-suite":     `4:3: sizes has no field "sokmap"; did you mean sockmap?`,
		"sizes-other":     `4:3: sizes has no field "probes"`,
		"suite":           `2:17: "sokmap" is none of smoke, sockmap, probes; did you mean sockmap?`,
		"suite-twice":     "2:17: suite smoke stands twice",
		"selection":       "2:5: this makes no sense",
		"vm-field":        `3:3: vm has no field "cpu"; did you mean cpus?`,
		"cpus":            "2:12: want a number from 1 to 64",
		"cpus-text":       "2:12: want a number from 1 to 64",
		"memory":          `2:14: "lots" is not a size: 512M, 2G`,
		"accel":           `2:13: "xen" is none of auto, tcg, kvm`,
		"timeout":         `2:15: "soon" is no time; write 90s, 15m or 4h`,
		"keep":            "2:14: want a number from 1",
		"is-case":         `5:9: "fail" is none of affected, unaffected, untestable`,
		"is-spec":         `6:9: "affected" is none of fail, untestable`,
		"case":            "4:11: \"sockhash-stale-entyr\" is none of sockhash-stale-entry; did you mean sockhash-stale-entry?",
		"both":            "3:5: want either case, or suite and spec",
		"neither":         "3:5: want either case, or suite and spec",
		"spec-alone":      "3:5: want either case, or suite and spec",
		"set":             "3:14: this makes no sense",
		"no-reason":       "3:5: an expectation needs reason",
		"no-until":        "3:5: an expectation needs until",
		"link":            `8:11: "bug 7" is not a link: https://…`,
		"until":           `9:12: "2027-02-30" is no day; write 2027-03-31`,
		"reason":          "7:13: want a text; put it in quotes",
		"until-number":    "9:12: want a text",
		"number":          "1:11: this makes no sense",
		"list":            "1:1: a matrix is a mapping",
	} {
		_, err := Parse(name+".yaml", sample(t, "bad/"+name+".yaml"), some)
		if err == nil || !strings.HasPrefix(err.Error(), name+".yaml:"+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %s, in one line", name, err, want)
		}
	}
}

var placed = regexp.MustCompile(`^krepro\.yaml:\d+:\d+: `)

// What is no YAML has its place, too, and several mistakes are told at once.
func TestParseRefusesText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		"# nothing\n":                           "the file is empty",
		"kernels: [debian:6.1\nsize: quick\n":   "this is no YAML",
		"kernels:\n\t- debian:6.1\n":            "this is no YAML",
		"kernels: [debian:6.1]\n---\nsize: x\n": "a second document",
		"kernels: *none\n":                      "this is no YAML",
		"size: 1\nvm: 2\n":                      "\nkrepro.yaml:2:5: vm is a mapping",
	} {
		_, err := Parse("krepro.yaml", []byte(text), some)
		if err == nil || !placed.MatchString(err.Error()) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want a place and %q", text, err, want)
		}
	}
}
