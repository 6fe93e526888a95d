// Command krepro asks real kernels whether they have a bug: it boots them in
// QEMU, runs compiled suites inside, and says what the evidence means.
//
//	krepro run --kernel debian:5.10.218-1 --kernel debian:6.1 --suite sockmap
//
// It joins the packages kernels (which kernel, where from) and vmtest (boot it,
// collect evidence, judge it), which do not know each other. Exit codes are
// listed in docs/exit-codes.md and in krepro help exit-codes.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"
)

func main() {
	// A panic ends by SIGABRT: git bisect run stops there, and takes Go's own 2 for bad.
	debug.SetTraceback("crash")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends krepro at once
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	e := &env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		width: stderrWidth, getenv: os.Getenv, home: filepath.Dir(exe), args: os.Args[1:],
	}
	os.Exit(e.main(ctx, os.Args[1:]))
}

// env is what the command has of the world, so that a test can call all of it.
type env struct {
	stdin          *os.File
	stdout, stderr io.Writer
	width          func() int // of stderr if that is a terminal, else 0
	getenv         func(string) string
	home           string   // folder of the executable: guest and suites lie beside it
	args           []string // the command line
}

// stderrWidth is asked anew each time: people resize windows.
func stderrWidth() int {
	if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil {
		return width
	}
	return 0
}

// guestBinary is PID 1 of the guests.
func (e *env) guestBinary() string { return filepath.Join(e.home, "guest") }

// suitesDir is the folder of compiled suites.
func (e *env) suitesDir() string {
	if dir := e.getenv("KREPRO_SUITES"); dir != "" {
		return dir
	}
	return filepath.Join(e.home, "suites")
}
