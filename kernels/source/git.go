package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// gitTimeout is far above the minute that adding or checking out a kernel takes.
const gitTimeout = 30 * time.Minute

// neutral settings have files go in and come out as they are, whatever the
// user's configuration says, and run no hooks. Loose objects are written in a
// third of the time, a fifth larger.
var neutral = []string{
	"-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.attributesFile=/dev/null",
	"-c", "core.fileMode=true", "-c", "core.symlinks=true",
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false",
	"-c", "core.looseCompression=1",
}

// gitError is what git said as it failed.
type gitError struct {
	err  error
	said string // all that it printed to stderr
}

func (e *gitError) Error() string {
	said := strings.ReplaceAll(strings.TrimSpace(e.said), "\n", "; ")
	return strings.TrimSuffix(fmt.Sprintf("run git: %s: %s", e.err, said), ": ")
}

func (e *gitError) Unwrap() error { return e.err }

// git runs git with options, a verb and its arguments, and returns what it
// printed, without white space at the ends. env is added to the environment.
func git(ctx context.Context, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	var stdout, stderr strings.Builder
	cmd := command(ctx, env, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("run git: %w", context.Cause(ctx))
	}
	if err != nil {
		return "", &gitError{err, stderr.String()}
	}
	return strings.TrimSpace(stdout.String()), nil
}

// command is git, ended softly so that it removes its lock files.
func command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append(slices.Clone(neutral), args...)...)
	cmd.Env = append(environment(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// environment is the user's without what names a repository, as git sets for
// its hooks and scripts; configuration given in it stays (safe.directory).
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GIT_") || strings.HasPrefix(e, "GIT_CONFIG_") {
			env = append(env, e)
		}
	}
	return append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
}

// open makes a repository, or completes one that was left half made. Objects
// that it lacks it borrows from another, if one is given.
func open(ctx context.Context, repo, borrow string) error {
	if _, err := git(ctx, nil, "init", "--quiet", "--bare", repo); err != nil {
		return err
	}
	// What a killed git left: the repository is ours alone.
	if err := os.Remove(filepath.Join(repo, "index.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("open source repository: %w", err)
	}
	if borrow == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(borrow+"\n"), 0o644); err != nil {
		return fmt.Errorf("open source repository: %w", err)
	}
	return nil
}
