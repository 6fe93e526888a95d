package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// GoneError says that a package is listed by a signed index and not in the pool.
type GoneError struct{ Package Package }

func (e *GoneError) Error() string {
	return fmt.Sprintf("fetch %s %s: the index lists it, the pool does not have it", e.Package.Name, e.Package.Version)
}

// Fetch gets packages into a folder, checked against their SHA-256, and returns
// the files in the same order. *GoneError if the pool does not have one.
func (a Apt) Fetch(ctx context.Context, dir string, packages []Package) ([]string, error) {
	conf, err := a.prepare()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	files := make([]string, len(packages))
	for i, p := range packages {
		files[i] = filepath.Join(dir, p.Name+".deb")
		if err := a.fetch(ctx, conf, files[i], p); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// fetch tries each place of a package in turn.
func (a Apt) fetch(ctx context.Context, conf, file string, p Package) error {
	helper, err := aptHelper()
	if err != nil {
		return err
	}
	var failed error
	gone := true
	for _, at := range p.At {
		base := a.Mirrors[at.Archive]
		if base == "" {
			failed, gone = errors.Join(failed, fmt.Errorf("fetch %s: no mirror of debian's %s archive is known; set %s and %s", p.Name, at.Archive, EnvMirror, EnvSecurityMirror)), false
			continue
		}
		_, err := run(ctx, helper, "-c", conf, "download-file", base+"/"+at.Path, file, "SHA256:"+p.SHA256)
		if err == nil {
			return verify(file, p)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("fetch %s: %w", p.Name, context.Cause(ctx))
		}
		failed = errors.Join(failed, fmt.Errorf("fetch %s: %w", p.Name, err))
		gone = gone && saysGone(err.Error())
	}
	if gone {
		return &GoneError{p}
	}
	return failed
}

// saysGone reads apt's message, in LC_ALL=C, for a file that is not there: by
// HTTP status, or by the file method.
func saysGone(message string) bool {
	for _, sign := range []string{"404  Not Found", "410  Gone", "File not found"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

// verify checks a file by its hash. apt did so already; this does not rest on
// how apt is configured.
func verify(file string, p Package) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("verify %s: %w", p.Name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("verify %s: %w", p.Name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("verify %s: sha256 is %s, the signed index says %s", p.Name, got, p.SHA256)
	}
	return nil
}

func aptHelper() (string, error) {
	const helper = "/usr/lib/apt/apt-helper"
	if _, err := os.Stat(helper); err != nil {
		return "", fmt.Errorf("find apt: %w; kernels of debian are fetched by apt", err)
	}
	return helper, nil
}

// command is an apt tool in the C locale, ended softly so that it stops its own children.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run returns what a tool printed; a failure carries its messages.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return runIn(ctx, "", name, args...)
}

// runIn is run in a folder.
func runIn(ctx context.Context, dir, name string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	cmd := command(ctx, name, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, oneLine(stderr.String()))
	}
	return stdout.String(), nil
}

// oneLine joins the lines of a message.
func oneLine(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
}
