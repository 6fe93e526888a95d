package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// runFile is the invocation, in the run's folder.
const runFile = "run.json"

// invocation is run.json: what was asked for. What a run asks of its kernels is
// read from here, so that judging needs nothing but the folder.
type invocation struct {
	Version string    `json:"version"` // of krepro
	Started time.Time `json:"started"`
	Args    []string  `json:"args"`
	Kernels []string  `json:"kernels"`         // references, as given
	Suites  []string  `json:"suites"`          // in the order they run
	Alone   []string  `json:"alone,omitempty"` // of these, those that have a VM to themselves
	Size    string    `json:"size"`
	// Sizes are those of suites that have another.
	Sizes  map[string]string `json:"sizes,omitempty"`
	Labels string            `json:"label_filter,omitempty"`
	Focus  string            `json:"focus,omitempty"`
	Rounds int               `json:"rounds,omitempty"` // of each suite
	// UntilFailure says that rounds end after the first with a failure.
	UntilFailure bool    `json:"until_failure,omitempty"`
	Trigger      float64 `json:"trigger,omitempty"` // share of trials that pull a thinned trigger
	Runner       string  `json:"runner,omitempty"`  // what booted the VMs; none, of older runs: qemu
	// Matrix is what a matrix file adds.
	Matrix *matrixRun `json:"matrix,omitempty"`
}

// filtered tells whether the user chose among the specs.
func (i invocation) filtered() bool { return i.Labels != "" || i.Focus != "" }

// newFolder makes the folder of a run, which must be new or empty: out, or a new
// one below runs named for the time.
func newFolder(out string, now time.Time) (string, error) {
	if out == "" {
		return timedFolder("runs", now)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("make run folder: %w", err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return "", fmt.Errorf("make run folder: %w", err)
	}
	if len(entries) > 0 {
		return "", &failure{codeUsage, fmt.Errorf("run folder %s is not empty", out)}
	}
	return out, nil
}

// timedFolder makes parent/yyyymmdd-hhmmss; another run may have that second.
func timedFolder(parent string, now time.Time) (string, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make run folder: %w", err)
	}
	return freeFolder(filepath.Join(parent, now.UTC().Format("20060102-150405")))
}

// freeFolder makes a folder of this name, with -2 and so on behind it if that is
// taken.
func freeFolder(name string) (string, error) {
	for n := 1; ; n++ {
		dir := name
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make folder: %w", err)
		}
	}
}

// readInvocation reads run.json of a folder.
func readInvocation(dir string) (invocation, error) {
	var i invocation
	data, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil {
		return i, fmt.Errorf("read run: %w", err)
	}
	if err := json.Unmarshal(data, &i); err != nil {
		return i, fmt.Errorf("read run: decode %s: %w", filepath.Join(dir, runFile), err)
	}
	return i, nil
}

// vmFolder makes a kernel's folder in a run; the kernel is named for it. A
// kernel that is asked for twice runs twice.
func vmFolder(run string, k *event.Kernel) (string, error) {
	if k.Alone != "" {
		k.Name += "~" + k.Alone
	}
	dir, err := freeFolder(filepath.Join(run, k.Name))
	if err != nil {
		return "", err
	}
	k.Name = filepath.Base(dir)
	return dir, writeJSON(filepath.Join(dir, verdict.KernelFile), k)
}

// vmAsked is what a VM was asked for: a kernel, as it was referred to, and the
// suite that has the VM to itself, if one has.
type vmAsked struct{ ref, alone string }

// vmFolders lists the folders of a run's VMs by what they were asked for.
func vmFolders(run string) (map[vmAsked][]string, error) {
	files, err := filepath.Glob(filepath.Join(run, "*", verdict.KernelFile))
	if err != nil {
		return nil, fmt.Errorf("list VMs: %w", err)
	}
	folders := map[vmAsked][]string{}
	for _, f := range files {
		dir := filepath.Dir(f)
		k := readKernel(dir)
		of := vmAsked{k.Ref, k.Alone}
		folders[of] = append(folders[of], dir)
	}
	return folders, nil
}

// readKernel reads kernel.json. One that is damaged counts as a kernel of which
// nothing is known; judging it will say so.
func readKernel(dir string) event.Kernel {
	var k event.Kernel
	if data, err := os.ReadFile(filepath.Join(dir, verdict.KernelFile)); err == nil {
		_ = json.Unmarshal(data, &k) // verdict.Of reads it again and reports
	}
	return k
}

// writeJSON writes a value as a file, visible at once or not at all.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, append(data, '\n'))
}

// writeFile makes a file visible at once or not at all, and leaves nothing else.
func writeFile(path string, data []byte) error {
	temp := path + ".part"
	err := os.WriteFile(temp, data, 0o644)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		return nil
	}
	if left := os.Remove(temp); !errors.Is(left, fs.ErrNotExist) {
		err = errors.Join(err, left)
	}
	return fmt.Errorf("write %s: %w", filepath.Base(path), err)
}
