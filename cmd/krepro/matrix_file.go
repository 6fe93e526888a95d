package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

// matrixName is the matrix file that is taken if none is named, builtIn what the
// project's own is called.
const (
	matrixName = "krepro.yaml"
	builtIn    = "the default matrix"
)

// matrixFile reads the file of a matrix, strictly.
func (e *env) matrixFile(name string) (matrix.File, error) {
	data, err := os.ReadFile(cmp.Or(name, matrixName))
	switch {
	case name == "" && errors.Is(err, fs.ErrNotExist):
		name, data = builtIn, matrix.Default
	case err != nil:
		return matrix.File{}, usage("read matrix: %v; check the path", err)
	}
	known, err := e.known()
	if err != nil {
		return matrix.File{}, err
	}
	file, err := matrix.Parse(cmp.Or(name, matrixName), data, known)
	if err != nil {
		err = &failure{codeUsage, err}
	}
	return file, err
}

// known is what a matrix file may name.
func (e *env) known() (matrix.Known, error) {
	suites, err := manifest.Find(e.suitesDir())
	if err != nil {
		return matrix.Known{}, err
	}
	corpus, err := cases.Load()
	if err != nil {
		return matrix.Known{}, err
	}
	k := matrix.Known{Runners: vmtest.Runners, Kernel: parsesAsKernel, Set: parsesAsSet}
	for _, s := range suites {
		k.Suites = append(k.Suites, s.Name)
	}
	for _, c := range corpus {
		k.Cases = append(k.Cases, c.Name)
	}
	return k, nil
}

func parsesAsKernel(text string) error {
	_, ok, err := kernels.ParseSelection(text)
	if !ok && err == nil {
		_, err = kernels.ParseRef(text)
	}
	return err
}

func parsesAsSet(text string) error {
	_, err := kernels.ParseSet(text)
	return err
}

// fileOptions are a matrix file in the words of krepro run.
func fileOptions(file matrix.File, o matrixOptions) runOptions {
	return runOptions{
		suites: file.Suites, size: file.Size, sizes: file.Sizes, out: o.out, repeat: 1,
		jobs: cmp.Or(o.jobs, file.VM.Jobs), timeout: file.VM.Timeout,
		runner: cmp.Or(file.VM.Runner, vmtest.RunnerQEMU),
		vm:     vmOptions{accel: cmp.Or(file.VM.Accel, vmtest.Auto), memory: file.VM.Memory, cpus: file.VM.CPUs},
	}
}

// resolve makes exact references of a file's kernels, each of them once; shared
// if other machines have to come to the same.
func resolve(ctx context.Context, store *kernels.Store, texts []string, shared bool) ([]string, error) {
	var refs []string
	for _, text := range texts {
		found := []string{strings.TrimSuffix(text, "/"+kernels.DefaultFlavour)}
		sel, ok, err := kernels.ParseSelection(text)
		if err != nil {
			return nil, err
		}
		if ok {
			sel.Shared = shared
			if found, err = store.Select(ctx, sel); err != nil {
				return nil, err
			}
		}
		for _, ref := range found {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs, nil
}

// durationsFile has what VMs took: one in the cache, of all matrices on this
// machine, and one in the folder of each run of a matrix.
const durationsFile = "durations.json"

func durationsPath(store *kernels.Store) string { return filepath.Join(store.Dir, durationsFile) }

// readDurations reads a file of durations; none if there is no such file.
func readDurations(path string) (matrix.Durations, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return matrix.Durations{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read durations: %w", err)
	}
	d, err := matrix.ReadDurations(data)
	if err != nil {
		return nil, fmt.Errorf("%w, in %s", err, path)
	}
	return d, nil
}

// sharedDurations are those that the matrix file names: they travel with it, so
// that every machine has the same.
func sharedDurations(file matrix.File) (matrix.Durations, error) {
	if file.Durations == "" {
		return matrix.Durations{}, nil
	}
	path := file.Durations
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file.Name), path)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, usage("%s: durations: %v; take durations.json of an earlier run, or leave the field out", file.Name, err)
	}
	return readDurations(path)
}

// keepDurations notes what this run's VMs took: in its folder, to be passed on,
// and in the cache for the next plan on this machine.
func keepDurations(store *kernels.Store, dir string, results []verdict.Result) error {
	own := matrix.Durations{}
	own.Add(results)
	if err := writeJSON(filepath.Join(dir, durationsFile), own); err != nil {
		return err
	}
	lock := flock.New(durationsPath(store) + ".lock") // shards that share a cache end together
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock durations: %w", err)
	}
	all, err := readDurations(durationsPath(store))
	if err == nil {
		all.Add(results)
		err = writeJSON(durationsPath(store), all)
	}
	return errors.Join(err, lock.Unlock())
}
