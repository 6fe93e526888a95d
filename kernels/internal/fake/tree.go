package fake

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// treeMakefile builds what stands in for a kernel: each file of C is copied, the
// images are ready in the tree. A file that has BROKEN in it does not compile;
// SLOW makes its compiler wait until it is stopped, FULL has no disk left.
const treeMakefile = `O ?= .
OBJECTS := $(patsubst %.c,$(O)/%.o,$(wildcard *.c net/*.c))

tinyconfig:
	@echo 'CONFIG_TINY=y' > $(O)/.config

olddefconfig:
	@sh scripts/kconfig/conf Kconfig $(O)/.config

bzImage: $(OBJECTS)
	@mkdir -p $(O)/arch/x86/boot
	@cp bzImage.bin $(O)/arch/x86/boot/bzImage
	@cp vmlinux.bin $(O)/vmlinux
	@echo stub > $(O)/System.map

$(O)/%.o: %.c
	@echo "  CC      $*.o"
	@mkdir -p $(dir $@)
	@sh scripts/cc $< $@
`

const treeCompiler = `if grep -q BROKEN "$1"; then
	printf '%s\n' "$PWD/$1:3:2: error: unknown type name 'BROKEN'" "    3 |  BROKEN" "      |  ^~~~~~" >&2
	exit 1
fi
if grep -q FULL "$1"; then
	echo "$1: fatal error: error writing to $2: No space left on device" >&2
	exit 1
fi
if grep -q SLOW "$1"; then
	echo half > "$2"
	exec sleep 600
fi
cp "$1" "$2"
`

// treeConf keeps the last value of each option that Kconfig knows, as
// olddefconfig does, and adds a module that is on by default.
const treeConf = `awk 'NR == FNR { known["CONFIG_" $2] = 1; next }
/^CONFIG_/ { split($0, part, "="); if (part[1] in known) value[part[1]] = $0 }
/^# CONFIG_/ { if ($2 in known) value[$2] = $0 }
END {
	if (("CONFIG_DEFAULT_MODULE" in known) && !("CONFIG_DEFAULT_MODULE" in value)) value["CONFIG_DEFAULT_MODULE"] = "CONFIG_DEFAULT_MODULE=m"
	for (o in value) print value[o] | "sort"
}' "$1" "$2" > "$2.new" && mv "$2.new" "$2"
`

// Tree makes the source of something that builds like a kernel, in a folder, for
// a release; its Kconfig knows the options.
func Tree(t testing.TB, dir, release string, options []string) {
	t.Helper()
	banner := "Linux version " + release + " (krepro@krepro) (gcc) #1 SMP"
	kconfig := "config TINY\nconfig DEFAULT_MODULE\n"
	for _, o := range options {
		kconfig += "config " + strings.TrimPrefix(o, "CONFIG_") + "\n"
	}
	for name, text := range map[string]string{
		"Makefile": treeMakefile, "scripts/cc": treeCompiler, "scripts/kconfig/conf": treeConf, "Kconfig": kconfig,
		"vmlinux.bin": string(Vmlinux(banner, BTF(t))),
		"bzImage.bin": string(Boot(release+" (krepro@krepro) #1 SMP", Gzip(t, Vmlinux(banner, BTF(t))))),
		"a.c":         "int a;\n", "b.c": "int b;\n", "net/c.c": "int c1;\nint c2;\nint c3;\nint c4;\nint c5;\n",
		".gitignore": "*.o\n.config\n",
	} {
		Write(t, filepath.Join(dir, name), []byte(text))
	}
}

// Git runs git in a folder, as a user who is nobody in particular, and returns
// what it printed.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "init.defaultBranch=main"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// Commit puts a folder under git, if it is not yet, and commits all that lies in
// it; it returns the commit's hash.
func Commit(t testing.TB, dir, subject string) string {
	t.Helper()
	Git(t, dir, "init", "--quiet")
	Git(t, dir, "add", "--all")
	Git(t, dir, "commit", "--quiet", "--allow-empty", "-m", subject)
	return Git(t, dir, "rev-parse", "HEAD")
}

// SourcePackage is Debian's source package of a line, with a tree's files.
func SourcePackage(t testing.TB, line, version, tree string) Package {
	t.Helper()
	name := "linux-source-" + line
	archive := filepath.Join(t.TempDir(), name+".tar.xz")
	command(t, nil, "tar", "--create", "--xz", "--file", archive, "--exclude=.git", fmt.Sprintf("--transform=s,^\\.,%s,", name), "-C", tree, ".")
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	return Package{Name: name, Version: version, Data: Deb(t, name, version, "", map[string][]byte{"usr/src/" + name + ".tar.xz": data})}
}
