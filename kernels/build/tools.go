package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// tools are the programs that a build runs, and the Debian packages that have them.
var tools = []struct{ program, pkg string }{
	{"make", "make"}, {"gcc", "gcc"}, {"ld", "binutils"}, {"flex", "flex"}, {"bison", "bison"}, {"bc", "bc"},
	{"perl", "perl"}, {"pahole", "pahole"}, {"git", "git"},
}

// headers are what the kernel's own tools are compiled with.
var headers = []struct{ file, pkg string }{{"libelf.h", "libelf-dev"}, {"zlib.h", "zlib1g-dev"}, {"stdio.h", "libc6-dev"}}

// Missing names the Debian packages of what a build needs and this machine lacks.
func Missing(ctx context.Context) []string {
	var missing []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil {
			missing = append(missing, t.pkg)
		}
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		return missing
	}
	for _, h := range headers {
		if !compiles(ctx, h.file) {
			missing = append(missing, h.pkg)
		}
	}
	return missing
}

// compiles tells whether the compiler finds a header.
func compiles(ctx context.Context, header string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "gcc", "-E", "-x", "c", "-o", os.DevNull, "-")
	cmd.Stdin = strings.NewReader("#include <" + header + ">\n")
	return cmd.Run() == nil
}

// Toolchain is the first line that each of those programs prints which make
// code: the compiler's is first.
func Toolchain(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var lines []string
	for _, program := range []string{"gcc", "ld", "pahole"} {
		out, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("ask %s for its version: %w", program, err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines, nil
}

// compiler is what make takes for CC.
func compiler() string {
	if _, err := exec.LookPath("ccache"); err == nil {
		return "ccache gcc"
	}
	return "gcc"
}

// environment of make. Of the user's own only what finds and steers the tools:
// ARCH, KCFLAGS and the like would change the kernel. ccache finds what another
// build folder below base compiled.
func environment(base string) []string {
	env := []string{
		"LC_ALL=C", "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
		"KBUILD_BUILD_USER=krepro", "KBUILD_BUILD_HOST=krepro", "KBUILD_BUILD_VERSION=1",
		"CCACHE_BASEDIR=" + base, "CCACHE_NOHASHDIR=1",
	}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case name == "PATH", name == "HOME", name == "TMPDIR", name == "XDG_CACHE_HOME", name == "XDG_CONFIG_HOME",
			strings.HasPrefix(name, "CCACHE_") && name != "CCACHE_BASEDIR" && name != "CCACHE_NOHASHDIR":
			env = append(env, e)
		}
	}
	return env
}
