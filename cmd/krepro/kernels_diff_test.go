package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/verdict"
)

// wholeProbe has a part of each section.
func wholeProbe() []event.Features {
	var parts []event.Features
	for _, section := range event.FeatureSections {
		parts = append(parts, event.Features{Section: section})
	}
	return parts
}

// entries makes images with cache entries of their own.
func entries(t *testing.T, ids ...string) []*kernels.Image {
	t.Helper()
	var images []*kernels.Image
	dir := t.TempDir()
	for _, id := range ids {
		img := &kernels.Image{Kernel: event.Kernel{ID: id, Ref: "debian:" + id}, Vmlinuz: filepath.Join(dir, id, "vmlinuz")}
		put(t, img.Vmlinuz, "")
		images = append(images, img)
	}
	return images
}

// counted is a known whose probe boots nothing, and notes what it was asked for.
func counted(program string, asked *[]string) known {
	return known{program, func(_ context.Context, images []*kernels.Image) (map[string][]event.Features, error) {
		found := map[string][]event.Features{}
		for _, img := range images {
			*asked = append(*asked, img.ID)
			found[img.ID] = wholeProbe()
		}
		return found, nil
	}}
}

// A kernel is probed once, and again when the answers are damaged or not whole,
// or when another program asks.
func TestKnown(t *testing.T) {
	images := entries(t, "a", "b")
	tests := []struct {
		name    string
		program string
		before  func(file string)
		want    []string
	}{
		{"the first time", "1", func(string) {}, []string{"a", "b"}},
		{"the second time", "1", func(string) {}, nil},
		{"damaged", "1", func(file string) { put(t, file, `[{"section": "prog`) }, []string{"a"}},
		{"empty", "1", func(file string) { put(t, file, "") }, []string{"a"}},
		{"not whole", "1", func(file string) { put(t, file, `[{"section": "helpers"}]`) }, []string{"a"}},
		{"once more", "1", func(string) {}, nil},
		{"another program", "2", func(string) {}, []string{"a", "b"}},
	}
	for _, test := range tests {
		var asked []string
		k := counted(test.program, &asked)
		test.before(images[0].Kept(k.file()))
		answers, err := k.of(t.Context(), images)
		if err != nil || !slices.Equal(asked, test.want) {
			t.Errorf("%s: probed %v, %v; want %v", test.name, asked, err, test.want)
		}
		if len(answers["a"]) != len(wholeProbe()) || len(answers["b"]) != len(wholeProbe()) {
			t.Errorf("%s: answers %v", test.name, answers)
		}
	}
}

// A kernel that is named twice is probed once.
func TestKnownTwice(t *testing.T) {
	images := entries(t, "a")
	var asked []string
	if _, err := counted("1", &asked).of(t.Context(), []*kernels.Image{images[0], images[0]}); err != nil || len(asked) != 1 {
		t.Errorf("probed %v, %v; want a once", asked, err)
	}
}

// What could be probed is kept although another kernel could not.
func TestKnownHalf(t *testing.T) {
	images := entries(t, "a", "b")
	boom := errors.New("boom")
	k := known{"1", func(context.Context, []*kernels.Image) (map[string][]event.Features, error) {
		return map[string][]event.Features{"b": wholeProbe()}, boom
	}}
	if _, err := k.of(t.Context(), images); !errors.Is(err, boom) {
		t.Errorf("error %v, want boom", err)
	}
	for i, want := range []bool{false, true} {
		if got := k.recall(images[i]) != nil; got != want {
			t.Errorf("%s is kept: %v, want %v", images[i].ID, got, want)
		}
	}
}

func TestHashOf(t *testing.T) {
	dir := t.TempDir()
	hash := func(a, b string) string {
		put(t, filepath.Join(dir, "a"), a)
		put(t, filepath.Join(dir, "b"), b)
		sum, err := hashOf(filepath.Join(dir, "a"), filepath.Join(dir, "b"))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	one := hash("guest", "suite")
	if again := hash("guest", "suite"); again != one {
		t.Errorf("%s and %s of the same files", one, again)
	}
	for _, other := range []string{hash("guest", "another"), hash("another", "suite")} {
		if other == one {
			t.Errorf("%s of other files too", other)
		}
	}
	if _, err := hashOf(filepath.Join(dir, "absent")); err == nil {
		t.Error("a missing file has a hash")
	}
}

// probedVM makes the folder of a VM whose suite did well, with these lines added to its events.
func probedVM(t *testing.T, run, name string, lines ...string) {
	t.Helper()
	events := []string{`{"kind":"suite-begin","t":2,"suite":"features","specs":1,"size":"quick"}`, `{"kind":"spec-begin","t":2,"spec":"BPF"}`}
	events = append(events, lines...)
	events = append(events, `{"kind":"spec-end","t":3,"spec":"BPF","state":"passed","trials":1}`, `{"kind":"suite-end","t":3,"state":"passed"}`)
	for file, text := range map[string]string{
		verdict.KernelFile:  `{"ref":"debian:` + name + `","name":"` + name + `","id":"id of ` + name + `"}`,
		verdict.ConsoleFile: "[    0.000000] Linux version 5.10.218\n",
		verdict.ControlFile: `{"kind":"boot","t":1}` + "\n" + `{"kind":"suite-exit","t":3,"suite":"features"}` + "\n" + `{"kind":"done","t":4}` + "\n",
		verdict.EventsFile:  strings.Join(events, "\n") + "\n",
		verdict.ExitFile:    `{"reason":"done","phase":"done"}`,
	} {
		put(t, filepath.Join(run, name, file), text)
	}
}

// records are the lines of a probe.
func records(t *testing.T, parts []event.Features) []string {
	t.Helper()
	var lines []string
	for _, f := range parts {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, `{"kind":"features","t":2.5,"spec":"BPF","data":`+string(data)+`}`)
	}
	return lines
}

// Answers are taken from a run only if all of it is good, and whole.
func TestGather(t *testing.T) {
	whole := records(t, wholeProbe())
	tests := []struct {
		name    string
		spoil   func(run string)
		message string // "": there are answers
		code    int
	}{
		{"good", func(string) {}, "", 0},
		{"half", func(run string) { probedVM(t, run, "a", whole[1:]...) }, "probe debian:a: check probe: nothing of program types", verdict.CodeSkip},
		{"torn", func(run string) { probedVM(t, run, "a", append(whole, `{"kind":"feat`)...) }, "1 lines are no record", verdict.CodeSkip},
		{"no data", func(run string) { probedVM(t, run, "a", append(whole, `{"kind":"features","t":2}`)...) }, "decode answers", verdict.CodeSkip},
		{"failed spec", func(run string) {
			probedVM(t, run, "a", append(whole, `{"kind":"finding","t":2,"spec":"BPF","symptom":"other","text":"no array"}`)...)
		}, "probe debian:a: fail: BPF", verdict.CodeSkip},
		{"died", func(run string) {
			put(t, filepath.Join(run, "a", verdict.ExitFile), `{"reason":"died","phase":"features"}`)
			put(t, filepath.Join(run, "a", verdict.ControlFile), `{"kind":"boot","t":1}`+"\n")
			put(t, filepath.Join(run, "a", verdict.EventsFile), strings.Join(whole, "\n"))
		}, "probe debian:a: ", verdict.CodeSkip},
		{"host", func(run string) {
			put(t, filepath.Join(run, "a", verdict.ExitFile), `{"reason":"host","error":"no qemu"}`)
		}, "no qemu", verdict.CodeInfra},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			run := t.TempDir()
			probedVM(t, run, "a", whole...)
			probedVM(t, run, "b", whole...)
			test.spoil(run)
			found, err := gather(run, invocation{Kernels: []string{"debian:a", "debian:b"}, Suites: []string{featuresSuite}})
			if len(found["id of b"]) != len(whole) {
				t.Errorf("of b: %v", found)
			}
			if test.message == "" {
				if err != nil || len(found["id of a"]) != len(whole) {
					t.Errorf("%v, %v", found, err)
				}
				return
			}
			var f *failure
			if found["id of a"] != nil || !errors.As(err, &f) || f.code != test.code || !strings.Contains(err.Error(), test.message) {
				t.Errorf("of a: %v, error %v; want %q and code %d", found["id of a"], err, test.message, test.code)
			}
			if strings.Contains(err.Error(), "debian:b") {
				t.Errorf("b is blamed too: %v", err)
			}
		})
	}
}

// A kernel that cannot be had ends it before any VM, by its name.
func TestDiffWithoutKernel(t *testing.T) {
	w := newWorld(t)
	put(t, filepath.Join(w.home, "suites", "features.test"), "")
	put(t, filepath.Join(w.home, "suites", "features.yaml"), "about: what a kernel offers\non_request: true\n")
	garbage := filepath.Join(w.dir, "bzImage")
	put(t, garbage, "this is no kernel")
	for _, test := range []struct {
		line, message string
		code          int
	}{
		{"kernels diff debian:none debian:6.1", "no kernel version", codeUsage},
		{"kernels diff debian:6.1 6.1", "did you mean debian:6.1?", codeUsage},
		{"kernels diff debian:6.1", "accepts 2 arg(s), received 1", codeUsage},
		{"kernels diff " + garbage + " " + garbage, garbage, codeUsage},
	} {
		code, out, stderr := w.do(t.Context(), strings.Fields(test.line)...)
		if code != test.code || !strings.Contains(stderr, test.message) || out != "" {
			t.Errorf("krepro %s: code %d, %q%q; want %d and %q", test.line, code, out, stderr, test.code, test.message)
		}
	}
}

// Without the suite there is nothing to probe with; a run of all suites leaves it out.
func TestFeaturesSuite(t *testing.T) {
	w := newWorld(t)
	if code, _, stderr := w.do(t.Context(), "kernels", "diff", "debian:6.1", "debian:6.12"); code != codeUsage || !strings.Contains(stderr, `no "features" in`) {
		t.Errorf("code %d, %s", code, stderr)
	}
	put(t, filepath.Join(w.home, "suites", "features.test"), "")
	put(t, filepath.Join(w.home, "suites", "features.yaml"), "about: what a kernel offers\non_request: true\n")
	for _, test := range []struct{ asked, want []string }{
		{nil, []string{"smoke", "sockmap"}},
		{[]string{"features"}, []string{"features"}},
		{[]string{"features", "smoke"}, []string{"features", "smoke"}},
	} {
		suites, err := w.chooseSuites(test.asked)
		if got := (plan{suites: suites}).names(); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("asked for %v: %v, %v; want %v", test.asked, got, err, test.want)
		}
	}
}

func TestSide(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	put(t, config, "CONFIG_VETH=m\n")
	answers := map[string][]event.Features{"a": wholeProbe()}
	with, err := side(&kernels.Image{Kernel: event.Kernel{ID: "a"}, Config: config}, answers)
	if err != nil || with.Config["CONFIG_VETH"] != "m" || len(with.Parts) == 0 {
		t.Errorf("%+v, %v", with, err)
	}
	without, err := side(&kernels.Image{Kernel: event.Kernel{ID: "a"}}, answers)
	if err != nil || without.Config != nil {
		t.Errorf("without a configuration: %+v, %v", without, err)
	}
	if _, err := side(&kernels.Image{Config: config + "-absent"}, answers); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with one that is gone: %v", err)
	}
}
