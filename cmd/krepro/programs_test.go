package main

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// A machine gets the programs of its own suites, and what they lack.
func TestLoadPrograms(t *testing.T) {
	suite := func(paths ...string) manifest.Suite {
		var s manifest.Suite
		for _, path := range paths {
			s.Programs = append(s.Programs, manifest.Program{Path: path})
		}
		return s
	}
	all := programs{
		"/sbin/a": {files: map[string]string{"/sbin/a": "cache/a", "/lib/c": "cache/c"}},
		"/sbin/b": {err: errors.New("offline:\nno route")},
	}
	tests := map[string]struct {
		suites []manifest.Suite
		files  []string
		env    []string
	}{
		"none":           {[]manifest.Suite{suite()}, []string{"/x"}, []string{"X=1"}},
		"one":            {[]manifest.Suite{suite(), suite("/sbin/a")}, []string{"/lib/c", "/sbin/a", "/x"}, []string{"X=1"}},
		"one that lacks": {[]manifest.Suite{suite("/sbin/a", "/sbin/b")}, []string{"/lib/c", "/sbin/a", "/x"}, []string{"X=1", "KREPRO_LACKS=/sbin/b: offline:; no route"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := append(make([]string, 0, 9), "X=1")
			given := vmtest.Machine{Files: map[string]string{"/x": "x"}, Env: env}
			m := given
			all.load(&m, test.suites)
			if got := slices.Sorted(maps.Keys(m.Files)); !slices.Equal(got, test.files) || !slices.Equal(m.Env, test.env) {
				t.Errorf("files %q, env %q; want %q, %q", got, m.Env, test.files, test.env)
			}
			if len(given.Files) != 1 || env[:2][1] != "" {
				t.Error("the machine of the other VMs was changed")
			}
		})
	}
}
