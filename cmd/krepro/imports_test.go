package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/krepro/krepro"

// rule is one row of the import table in docs/architecture.md. Paths are
// relative to the module or whole; one that ends in / stands for all below it,
// "std" for the standard library.
type rule struct {
	from   []string // the packages it binds
	except []string // but not these
	never  []string // what they must not import
	only   []string // or: all they may import
	code   bool     // binds the code, not its tests
	reason string
}

var rules = []rule{
	{from: []string{"./"}, never: []string{"suites/"},
		reason: "a suite is a leaf: it is compiled and shipped, not called"},
	{from: []string{"./"}, never: []string{"cmd/"},
		reason: "cmd joins packages; what another package needs belongs into a package"},
	{from: []string{"harness/event"}, only: []string{"std"},
		reason: "both sides of the VM depend on it"},
	{from: []string{"bpf/", "harness/", "suites/"}, never: []string{"kernels/", "vmtest/"},
		reason: "a suite also runs by hand, without any VM: the guest side does not know the host side"},
	{from: []string{"kernels/", "vmtest/"}, never: []string{"bpf/", "harness/", "suites/"}, except: nil,
		reason: "the host side meets the guest side in harness/event alone"},
	{from: []string{"kernels/"}, never: []string{"vmtest/"},
		reason: "a kernel can be had without a VM"},
	{from: []string{"vmtest/"}, never: []string{"kernels/"},
		reason: "to a VM a kernel is files and a hash, wherever they come from"},
	{from: []string{"vmtest/verdict", "vmtest/chain", "vmtest/explain", "vmtest/report", "vmtest/bisect", "vmtest/compare", "kernels/version", "kernels/cases", "kernels/configs", "kernels/diff"}, code: true,
		never:  []string{"os", "os/", "net", "net/", "syscall", "golang.org/x/sys/", "time"},
		reason: "pure: no process, no disk but fs.FS, no clock, so the same evidence gives the same verdict"},
	{from: []string{"vmtest/matrix"}, code: true,
		never:  []string{"os", "os/", "net", "net/", "syscall", "golang.org/x/sys/"},
		reason: "pure: a plan follows from the file and what is told, the same on every machine; of time it knows lengths and days alone"},
	{from: []string{"vmtest/guest"}, only: []string{"std", "harness/event", "golang.org/x/sys/"},
		reason: "PID 1 is small, static and boots everywhere"},
	{from: []string{"./"}, except: []string{"harness/", "suites/"}, never: []string{"github.com/onsi/ginkgo/v2", "github.com/onsi/gomega/"},
		reason: "Ginkgo is for what runs in the guest; host packages have ordinary tests. Its types are data"},
	{from: []string{"./"}, except: []string{"cmd/"}, never: []string{"github.com/spf13/"},
		reason: "flags are the command's business"},
}

// harmless are below what rules forbid, and forbidden by none: what host and
// guest have in common, and addresses, which are values and no network.
var harmless = []string{"harness/event", "net/netip"}

func TestImports(t *testing.T) {
	used := make([]bool, len(rules))
	for _, p := range packages(t) {
		for i, r := range rules {
			if !within(p.path, r.from) || within(p.path, r.except) {
				continue
			}
			used[i] = true
			imports := p.code
			if !r.code {
				imports = slices.Concat(p.code, p.test)
			}
			for _, imp := range imports {
				if r.forbids(p.path, imp) {
					t.Errorf("%s imports %s: %s", p.path, imp, r.reason)
				}
			}
		}
	}
	for i, ok := range used {
		if !ok {
			t.Errorf("the rule for %v binds no package: the layout has changed", rules[i].from)
		}
	}
}

// The rules do forbid what they are for.
func TestImportRulesBite(t *testing.T) {
	tests := []struct {
		path, imp string
		forbidden bool
	}{
		{"harness/event", "github.com/cilium/ebpf", true},
		{"harness/event", "encoding/json", false},
		{"kernels", "vmtest", true},
		{"vmtest/verdict", "kernels/cases", true},
		{"vmtest/verdict", "os", true},
		{"vmtest/verdict", "io/fs", false},
		{"vmtest/explain", "time", true},
		{"vmtest/matrix", "os", true},
		{"vmtest/matrix", "kernels", true},
		{"vmtest/explain", "net/http", true},
		{"vmtest/explain", "net/netip", false},
		{"vmtest", "os/exec", false},
		{"vmtest", "harness/event", false},
		{"vmtest", "harness/lab", true},
		{"vmtest/guest", "golang.org/x/sys/unix", false},
		{"vmtest/guest", "github.com/spf13/cobra", true},
		{"suites/sockmap", "harness/lab", false},
		{"suites/sockmap", "vmtest", true},
		{"harness/lab", "suites/smoke", true},
		{"kernels", "cmd/krepro", true},
		{"cmd/krepro", "github.com/spf13/cobra", false},
		{"kernels", "github.com/onsi/gomega", true},
		{"kernels", "github.com/onsi/ginkgo/v2", true},
		{"cmd/krepro", "github.com/onsi/ginkgo/v2/types", false},
	}
	for _, test := range tests {
		forbidden := false
		for _, r := range rules {
			bound := within(test.path, r.from) && !within(test.path, r.except)
			forbidden = forbidden || bound && r.forbids(test.path, test.imp)
		}
		if forbidden != test.forbidden {
			t.Errorf("%s imports %s: forbidden = %v, want %v", test.path, test.imp, forbidden, test.forbidden)
		}
	}
}

// forbids tells whether the rule, which binds the package, is against an import.
func (r rule) forbids(path, imp string) bool {
	switch {
	case imp == path: // of its own external test
		return false
	case r.only != nil:
		return !within(imp, r.only)
	}
	return within(imp, r.never) && !slices.Contains(harmless, imp)
}

// within tells whether a path is one of these or below one of them.
func within(path string, of []string) bool {
	return slices.ContainsFunc(of, func(o string) bool {
		switch {
		case o == "std":
			first, _, _ := strings.Cut(path, "/")
			return !strings.Contains(first, ".") && !slices.Contains(topFolders, first)
		case o == "./":
			return true
		}
		return path == strings.TrimSuffix(o, "/") || strings.HasSuffix(o, "/") && strings.HasPrefix(path, o)
	})
}

// topFolders tell the module's packages, whose paths are relative here, from the
// standard library's.
var topFolders = []string{"bpf", "cmd", "harness", "kernels", "suites", "vmtest"}

// pkg is a package of the module with what it imports.
type pkg struct {
	path       string
	code, test []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("list packages: %v", err)
		}
		all = append(all, pkg{relative(p.ImportPath), relatives(p.Imports), relatives(slices.Concat(p.TestImports, p.XTestImports))})
	}
	if len(all) < 10 {
		t.Fatalf("list packages: only %d", len(all))
	}
	return all
}

func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

func relatives(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, relative(p))
	}
	return out
}
