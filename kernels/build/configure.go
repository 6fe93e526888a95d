package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Configure makes obj/.config of the kernel's tinyconfig and lines of options.
// Modules are turned off, as none are built. A configuration that comes out as it
// was before keeps its time, so that nothing is built again for it.
func (j Job) Configure(ctx context.Context, lines string) error {
	config, before := filepath.Join(j.Obj(), ".config"), filepath.Join(j.Obj(), ".config.before")
	if err := os.Rename(config, before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("configure: %w", err)
	}
	if err := j.make(ctx, configTimeout, "tinyconfig"); err != nil {
		return err
	}
	for lines != "" {
		if err := add(config, lines); err != nil {
			return err
		}
		if err := j.make(ctx, configTimeout, "olddefconfig"); err != nil {
			return err
		}
		now, err := os.ReadFile(config)
		if err != nil {
			return fmt.Errorf("configure: %w", err)
		}
		// One that something else selects is a module again.
		off := modulesOff(now)
		if off == lines {
			break
		}
		lines = off
	}
	old, err := os.ReadFile(before)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	now, nowErr := os.ReadFile(config)
	if err := errors.Join(err, nowErr); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if !bytes.Equal(old, now) {
		return nil
	}
	if err := os.Rename(before, config); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	return nil
}

var module = regexp.MustCompile(`(?m)^(CONFIG_\w+)=m$`)

// modulesOff are lines that turn off what a configuration has as modules.
func modulesOff(config []byte) string {
	var b strings.Builder
	for _, m := range module.FindAllSubmatch(config, -1) {
		fmt.Fprintf(&b, "# %s is not set\n", m[1])
	}
	return b.String()
}

// add appends to a file.
func add(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	return nil
}
