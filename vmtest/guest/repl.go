package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

const replHelp = `run SUITE [ARG…]  run a suite here, e.g. run smoke -ginkgo.v
suites            list the suites on board
ls [DIR]          list a directory
cat FILE…         print files
cd DIR            change directory
dmesg             print the kernel log
PATH [ARG…]       run a program by its path
exit              stop the VM
`

// repl is the shell of an image without busybox: enough to run a suite and to
// read what the kernel says. The terminal's own line editing serves it.
func repl(in io.Reader, out io.Writer) int {
	fmt.Fprint(out, "krepro: no static busybox on the host, so this is the built-in shell; try help\n")
	lines := bufio.NewScanner(in)
	for fmt.Fprint(out, "krepro# "); lines.Scan(); fmt.Fprint(out, "krepro# ") {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" {
			return 0
		}
		if err := command(words, in, out); err != nil {
			fmt.Fprintln(out, err)
		}
	}
	return 0
}

func command(words []string, in io.Reader, out io.Writer) error {
	args := words[1:]
	switch words[0] {
	case "help":
		_, err := io.WriteString(out, replHelp)
		return err
	case "suites":
		return list(event.GuestSuites, out)
	case "ls":
		return list(strings.Join(append(args, ".")[:1], ""), out)
	case "cat":
		return cat(args, out)
	case "cd":
		return os.Chdir(strings.Join(args, " "))
	case "dmesg":
		return dmesg(out)
	case "run":
		if len(args) == 0 {
			return errors.New("run needs a suite; try suites")
		}
		return program(suitePath(args[0]), args[1:], in, out)
	}
	return program(words[0], args, in, out)
}

func program(path string, args []string, in io.Reader, out io.Writer) error {
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	return cmd.Run()
}

func list(dir string, out io.Writer) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		mark := ""
		if e.IsDir() {
			mark = string(filepath.Separator)
		}
		fmt.Fprintln(out, e.Name()+mark)
	}
	return nil
}

func cat(paths []string, out io.Writer) error {
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// dmesg prints the kernel's ring buffer (syslog(2), SYSLOG_ACTION_READ_ALL).
func dmesg(out io.Writer) error {
	buf := make([]byte, 1<<20)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return fmt.Errorf("read kernel log: %w", err)
	}
	_, err = out.Write(buf[:n])
	return err
}
