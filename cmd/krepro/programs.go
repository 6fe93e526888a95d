package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// programs are those that suites run in the guest, by their paths there.
type programs map[string]fetched

// fetched are a program's files, by their paths in the guest, or why it could
// not be had: its specs are untestable then, and the others run.
type fetched struct {
	files map[string]string
	err   error
}

// fetchPrograms gets the programs of suites once for all kernels.
func fetchPrograms(ctx context.Context, store *kernels.Store, suites []manifest.Suite, say func(string, ...any)) programs {
	all := programs{}
	for _, s := range suites {
		for _, p := range s.Programs {
			files, err := store.Program(ctx, kernels.Program{Path: p.Path, Suite: p.Suite, Packages: p.Packages})
			if err != nil {
				say("suite %s: program %s: %v", s.Name, p.Path, err)
			}
			all[p.Path] = fetched{files, err}
		}
	}
	return all
}

// load puts the programs of a machine's suites into it, and tells the suites
// which could not be had.
func (all programs) load(m *vmtest.Machine, suites []manifest.Suite) {
	files := maps.Clone(m.Files)
	if files == nil {
		files = map[string]string{}
	}
	var lacks []string
	for _, s := range suites {
		for _, p := range s.Programs {
			got := all[p.Path]
			maps.Copy(files, got.files)
			if got.err != nil {
				lacks = append(lacks, p.Path+": "+strings.ReplaceAll(got.err.Error(), "\n", "; "))
			}
		}
	}
	m.Files = files
	if len(lacks) > 0 {
		m.Env = append(slices.Clone(m.Env), event.EnvLacks+"="+strings.Join(lacks, "\n"))
	}
}
