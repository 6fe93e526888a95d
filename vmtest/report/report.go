// Package report shows results: tables and a page for people, JSON for programs,
// JUnit XML, KTAP and Markdown for CI. It is pure: the same results give the same
// bytes, and no time of day or path of the machine is in them.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Schema is the version of what JSON writes: docs/schema/verdicts.schema.json. It
// grows when a field changes its meaning or goes.
const Schema = 1

// JSON is verdicts.json: the exit code of the whole, how many checks came to
// what, and all that was found.
func JSON(results []verdict.Result) ([]byte, error) {
	whole := struct {
		Schema  int              `json:"schema"`
		Code    int              `json:"code"`
		Counts  Counts           `json:"counts"`
		Kernels []verdict.Result `json:"kernels"`
	}{Schema, Code(results), CountsOf(results), results}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(whole); err != nil {
		return nil, fmt.Errorf("encode verdicts: %w", err)
	}
	return b.Bytes(), nil
}

// Code is the exit code for all kernels. Nothing judged is nothing known.
func Code(results []verdict.Result) int {
	if len(results) == 0 {
		return verdict.CodeSkip
	}
	var codes []int
	for _, r := range results {
		codes = append(codes, r.Code)
	}
	return verdict.Worst(codes...)
}

// kernel is what a VM is called in a report: its kernel, and the suite that had
// the VM to itself, if one had.
func kernel(r verdict.Result) string {
	if r.Kernel.Alone != "" {
		return plain(r) + " ~" + r.Kernel.Alone
	}
	return plain(r)
}

// plain is what the kernel is called: exact, and as short as that allows. Builds
// of one tree, with a patch and without, have the same release.
func plain(r verdict.Result) string {
	k := r.Kernel
	switch k.Source {
	case "debian":
		return k.Package + " " + k.Flavour
	case "file", "tree":
		return strings.TrimSuffix(k.Name, "~"+k.Alone)
	}
	return cmp.Or(k.Release, k.Ref, "unknown kernel")
}
