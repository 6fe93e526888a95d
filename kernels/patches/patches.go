// Package patches holds small patches, compiled in, that bring known bugs back
// into current kernels, or break a behaviour that must not change. A kernel that
// is built with one of them is the control of a case: its specs have to fail
// there. docs/controls.md says where each was seen to.
//
// A file begins with lines "Cases: NAME…", "Lines: 6.1 6.12" and, if a commit of
// the kernel is undone, "Undoes: HASH (subject)"; a blank line, what goes wrong,
// "---" and the patch follow. Its name is the first case's name, with the line
// behind it if another line needs another patch.
package patches

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.patch
var files embed.FS

// Patch brings one bug into kernels of some lines.
type Patch struct {
	File   string   // sockhash-stale-entry.patch
	Cases  []string // whose specs fail then
	Lines  []string // 6.12: it applies to the line's kernels; docs/controls.md says where it was run
	Undoes string   // full hash and subject of the upstream commit, "" if none ever did this
	About  string   // what goes wrong, in a sentence
	Text   []byte   // the whole file, for git apply
}

// Load reads all patches, sorted by file name.
func Load() ([]Patch, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	var all []Patch
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("read patch: %w", err)
		}
		p, err := parse(e.Name(), text)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", e.Name(), err)
		}
		all = append(all, p)
	}
	return all, nil
}

func parse(file string, text []byte) (Patch, error) {
	head, diff, found := bytes.Cut(text, []byte("\n---\n"))
	if !found || len(diff) == 0 {
		return Patch{}, fmt.Errorf("no patch after a line ---")
	}
	p := Patch{File: file, Text: text}
	fields, about, _ := strings.Cut(string(head), "\n\n")
	p.About = strings.Join(strings.Fields(about), " ")
	for line := range strings.Lines(fields) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Cases":
			p.Cases = strings.Fields(value)
		case "Lines":
			p.Lines = strings.Fields(value)
		case "Undoes":
			p.Undoes = value
		default:
			return Patch{}, fmt.Errorf("unknown line %q", line)
		}
	}
	if len(p.Cases) == 0 || len(p.Lines) == 0 || p.About == "" {
		return Patch{}, fmt.Errorf("the lines Cases and Lines, and what goes wrong, must be there")
	}
	return p, nil
}

// Of are the patches for kernels of a line.
func Of(all []Patch, line string) []Patch {
	return slices.DeleteFunc(slices.Clone(all), func(p Patch) bool { return !slices.Contains(p.Lines, line) })
}
