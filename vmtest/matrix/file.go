package matrix

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Default is the project's own matrix, for where there is no file.
//
//go:embed default.yaml
var Default []byte

// File is a matrix file. A zero field leaves krepro run's default in place.
type File struct {
	Name   string // as it was given, for messages
	SHA256 string // of its text

	Kernels   []string // references and selections, as given
	Suites    []string // by name; none: all but those on request
	Size      string
	Sizes     map[string]string // of suites that have another
	VM        VM
	Expect    []Expectation
	Durations string // path of a file of Durations, relative to this one
	Keep      Keep
}

// VM is the shape of each VM, and how many run at a time.
type VM struct {
	CPUs    int
	Memory  string // 512M, 2G
	Accel   string
	Runner  string
	Jobs    int
	Timeout time.Duration
}

// Keep says which runs below the runs folder outlive this one: those that
// either field names.
type Keep struct {
	Runs int // the newest so many
	Days int // those so young
}

// Given tells whether the file says anything of retention.
func (k Keep) Given() bool { return k.Runs > 0 || k.Days > 0 }

// Expectation is an entry of the file: an outcome that differs from what the
// corpus of cases expects, or from a pass.
type Expectation struct {
	Line    int    `json:"line"`           // in the file
	Kernels string `json:"kernels"`        // a set of kernels
	Case    string `json:"case,omitempty"` // this, or Suite and Spec
	Suite   string `json:"suite,omitempty"`
	Spec    string `json:"spec,omitempty"`
	Is      string `json:"is"` // affected, unaffected, untestable; of a spec fail, untestable
	Reason  string `json:"reason"`
	Link    string `json:"link"`
	Until   string `json:"until"` // the last day that it counts, 2027-03-31
}

// Known is what there is, for checking names.
type Known struct {
	Suites, Cases, Runners []string
	Kernel                 func(text string) error // an entry of kernels
	Set                    func(text string) error // kernels of an expectation
}

// Sizes of a run.
var Sizes = []string{"quick", "default", "soak"}

// outcomes of cases and of specs that an expectation may name.
var (
	caseOutcomes = []string{"affected", "unaffected", "untestable"}
	specOutcomes = []string{"fail", "untestable"}
)

var (
	memoryForm = regexp.MustCompile(`^[1-9][0-9]{0,5}[MG](i?B)?$`)
	linkForm   = regexp.MustCompile(`^https?://\S+$`)
	syntaxForm = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
)

// Parse reads a file. The error names all mistakes, a line for each, with the
// place and what to write instead.
func Parse(name string, data []byte, known Known) (File, error) {
	sum := sha256.Sum256(data)
	f := File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: "default"}
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return f, fmt.Errorf("%s:1:1: the file is empty; name kernels", name)
	} else if err != nil {
		return f, syntax(name, data, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return f, fmt.Errorf("%s:%d:1: a second document; leave one", name, max(1, more.Line))
	}
	r := &reader{name: name, known: known}
	r.file(doc.Content[0], &f)
	return f, r.err()
}

// syntax says where a file is no YAML.
func syntax(name string, data []byte, err error) error {
	m := syntaxForm.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("%s:1:1: %w", name, err)
	}
	line, _ := strconv.Atoi(m[1]) // digits, or none
	column := 1
	if lines := strings.Split(string(data), "\n"); line > 0 && line <= len(lines) {
		text := lines[line-1]
		column += len(text) - len(strings.TrimLeft(text, " "))
	}
	return fmt.Errorf("%s:%d:%d: this is no YAML: %s", name, max(1, line), column, m[2])
}

// file reads the whole.
func (r *reader) file(n *yaml.Node, f *File) {
	var sizes *yaml.Node
	r.mapping(n, "a matrix", []string{"kernels"}, map[string]func(*yaml.Node){
		"kernels":   func(n *yaml.Node) { f.Kernels = r.kernels(n) },
		"suites":    func(n *yaml.Node) { f.Suites = r.names(n, "suite", r.known.Suites) },
		"size":      func(n *yaml.Node) { f.Size = r.word(n, Sizes) },
		"sizes":     func(n *yaml.Node) { sizes = n },
		"vm":        func(n *yaml.Node) { r.vm(n, &f.VM) },
		"expect":    func(n *yaml.Node) { f.Expect = r.expectations(n) },
		"durations": func(n *yaml.Node) { f.Durations = r.text(n) },
		"keep":      func(n *yaml.Node) { r.keep(n, &f.Keep) },
	})
	if sizes != nil {
		f.Sizes = r.sizes(sizes, f.Suites)
	}
}

func (r *reader) kernels(n *yaml.Node) (texts []string) {
	r.list(n, "kernels", func(n *yaml.Node) {
		text := r.text(n, "!!float", "!!int")
		if err := r.known.Kernel(text); text != "" && err != nil {
			r.fault(n, "%v", err)
		}
		texts = append(texts, text)
	})
	return texts
}

// sizes reads those of single suites, of the ones that run: none is all.
func (r *reader) sizes(n *yaml.Node, suites []string) map[string]string {
	if len(suites) == 0 {
		suites = r.known.Suites
	}
	of, fields := map[string]string{}, map[string]func(*yaml.Node){}
	for _, suite := range suites {
		fields[suite] = func(n *yaml.Node) { of[suite] = r.word(n, Sizes) }
	}
	r.mapping(n, "sizes", nil, fields)
	return of
}

func (r *reader) vm(n *yaml.Node, vm *VM) {
	r.mapping(n, "vm", nil, map[string]func(*yaml.Node){
		"cpus":    func(n *yaml.Node) { vm.CPUs = r.number(n, 1, 64) },
		"memory":  func(n *yaml.Node) { vm.Memory = r.form(n, memoryForm, "a size: 512M, 2G") },
		"accel":   func(n *yaml.Node) { vm.Accel = r.word(n, []string{"auto", "tcg", "kvm"}) },
		"runner":  func(n *yaml.Node) { vm.Runner = r.word(n, r.known.Runners) },
		"jobs":    func(n *yaml.Node) { vm.Jobs = r.number(n, 1, 1000) },
		"timeout": func(n *yaml.Node) { vm.Timeout = r.duration(n) },
	})
}

func (r *reader) keep(n *yaml.Node, k *Keep) {
	r.mapping(n, "keep", nil, map[string]func(*yaml.Node){
		"runs": func(n *yaml.Node) { k.Runs = r.number(n, 1, 100_000) },
		"days": func(n *yaml.Node) { k.Days = r.number(n, 1, 100_000) },
	})
}

func (r *reader) expectations(n *yaml.Node) (all []Expectation) {
	r.list(n, "expect", func(n *yaml.Node) { all = append(all, r.expectation(n)) })
	return all
}

// expectation reads an entry. Why and until when must be said: what is expected
// to fail and forgotten is how a bug is lost.
func (r *reader) expectation(n *yaml.Node) Expectation {
	x := Expectation{Line: n.Line}
	var is *yaml.Node
	whole := r.mapping(n, "an expectation", []string{"kernels", "is", "reason", "link", "until"}, map[string]func(*yaml.Node){
		"kernels": func(n *yaml.Node) { x.Kernels = r.set(n) },
		"case":    func(n *yaml.Node) { x.Case = r.word(n, r.known.Cases) },
		"suite":   func(n *yaml.Node) { x.Suite = r.word(n, r.known.Suites) },
		"spec":    func(n *yaml.Node) { x.Spec = r.text(n) },
		"is":      func(n *yaml.Node) { is = n },
		"reason":  func(n *yaml.Node) { x.Reason = r.text(n) },
		"link":    func(n *yaml.Node) { x.Link = r.form(n, linkForm, "a link: https://…") },
		"until":   func(n *yaml.Node) { x.Until = r.date(n) },
	})
	switch {
	case !whole:
	case (x.Case != "") == (x.Suite != "" || x.Spec != "") || (x.Suite != "") != (x.Spec != ""):
		r.fault(n, "want either case, or suite and spec")
	case x.Case != "":
		x.Is = r.word(is, caseOutcomes)
	default:
		x.Is = r.word(is, specOutcomes)
	}
	return x
}

func (r *reader) set(n *yaml.Node) string {
	text := r.text(n, "!!float", "!!int")
	if err := r.known.Set(text); text != "" && err != nil {
		r.fault(n, "%v", err)
	}
	return text
}
