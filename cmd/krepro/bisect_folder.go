package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/vmtest/bisect"
)

// Files of a bisection's folder.
const (
	bisectFile   = "bisect.json"
	bisectLog    = "bisect.log"
	historyDir   = "history.git"
	stepsDir     = "steps"
	reportText   = "report.txt"
	reportJSON   = "report.json"
	bisectLocked = ".lock"
)

// bisection is bisect.json: what was asked, and the steps so far. It is all that
// is needed to go on.
type bisection struct {
	Version    string    `json:"version"` // of krepro
	Started    time.Time `json:"started"`
	Args       []string  `json:"args"`
	Question   question  `json:"question"`
	Confidence float64   `json:"confidence"`

	Find bisect.Find   `json:"find,omitempty"` // "": the ends tell
	Old  bisect.Kernel `json:"old"`
	New  bisect.Kernel `json:"new"`
	// Of a tree: its folder, and what goes into each build. Else the kernels,
	// oldest first.
	Tree      string          `json:"tree,omitempty"`
	Fragments []string        `json:"config,omitempty"`
	Debug     bool            `json:"debug,omitempty"`
	Kernels   []bisect.Kernel `json:"kernels,omitempty"`

	Accel  string `json:"accel"`
	CPUs   int    `json:"cpus,omitempty"`
	Memory string `json:"memory,omitempty"`

	Steps []bisect.Step `json:"steps,omitempty"`

	dir  string // absolute
	lock *flock.Flock
}

// create makes the folder and begins the file in it.
func (b *bisection) create(out string) (err error) {
	b.Started, b.Steps = time.Now().UTC().Truncate(time.Second), []bisect.Step{}
	if out != "" {
		_, err = newFolder(out, b.Started)
	} else if err = os.MkdirAll("runs", 0o755); err == nil {
		out, err = freeFolder(filepath.Join("runs", "bisect-"+b.Started.Format("20060102-150405")))
	}
	if err != nil {
		return err
	}
	if err := b.open(out); err != nil {
		return err
	}
	return b.save()
}

// open takes the folder for this process alone.
func (b *bisection) open(dir string) (err error) {
	if b.dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("open bisection: %w", err)
	}
	b.lock = flock.New(filepath.Join(b.dir, bisectLocked))
	held, err := b.lock.TryLock()
	if err != nil {
		return fmt.Errorf("open bisection: %w", err)
	}
	if !held {
		return usage("%s: another krepro is at this bisection", dir)
	}
	return nil
}

func (b *bisection) close() error {
	if err := b.lock.Unlock(); err != nil {
		return fmt.Errorf("close bisection: %w", err)
	}
	return nil
}

// resumeBisection opens the folder of a bisection that was stopped.
func resumeBisection(dir string) (*bisection, error) {
	file := filepath.Join(dir, bisectFile)
	if _, err := os.Stat(file); err != nil {
		return nil, usage("resume: %s is no folder of a bisection: there is no %s in it", dir, bisectFile)
	}
	b := &bisection{}
	if err := b.open(dir); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("resume bisection: read %s: %w", bisectFile, err), b.close())
	}
	return b, nil
}

// save writes the file, whole or not at all.
func (b *bisection) save() error { return writeJSON(filepath.Join(b.dir, bisectFile), b) }

// keep notes a step.
func (b *bisection) keep(s bisect.Step) error {
	b.Steps = append(b.Steps, s)
	return b.save()
}

// vm are the flags about VMs.
func (b *bisection) vm() vmOptions {
	return vmOptions{accel: b.Accel, cpus: b.CPUs, memory: b.Memory}
}

// title says what is done.
func (b *bisection) title() string {
	what := map[bisect.Find]string{bisect.Break: "what brought ", bisect.Fix: "what fixed "}[b.Find]
	where := fmt.Sprintf("%d kernels", len(b.Kernels))
	if b.Tree != "" {
		where = b.Tree
	}
	return fmt.Sprintf("bisecting %s%s: %s, from %s to %s", what, b.Question, where, b.Old, b.New)
}
