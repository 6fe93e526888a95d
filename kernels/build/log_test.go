package build

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestFirstError(t *testing.T) {
	for name, want := range map[string]string{
		"compile.log": "net/core/sock_map.c:1564:9: error: implicit declaration of function 'sock_map_forget'; did you mean 'sock_map_free'? [-Werror=implicit-function-declaration]\n" +
			" 1564 |         sock_map_forget(sk);\n      |         ^~~~~~~~~~~~~~~\n      |         sock_map_free",
		"link.log":      "ld: net/core/sock_map.o: in function `sock_map_unhash':\nnet/core/sock_map.c:1564: undefined reference to `sock_map_forget'",
		"assembler.log": "arch/x86/entry/entry_64.S:100: Error: no such instruction: `bogus %rax'",
		"kconfig.log": "init/Kconfig:32: syntax error\ninit/Kconfig:31: unknown statement \"boool\"\n" +
			"make[2]: *** [scripts/kconfig/Makefile:71: olddefconfig] Error 1",
	} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := firstError(text, "/cache/trees/linux/src"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		if fault := hostFault(text); fault != "" {
			t.Errorf("%s: blames the host: %s", name, fault)
		}
	}
}

func TestHostFault(t *testing.T) {
	for line, want := range map[string]string{
		"net/ipv4/tcp.c:1: fatal error: error writing to net/ipv4/tcp.o: No space left on device": "the disk is full",
		"gcc: fatal error: Killed signal terminated program cc1":                                  "out of memory",
		"cc1: out of memory allocating 65536 bytes after a total of 1000 bytes":                   "out of memory",
		"make[3]: *** [scripts/Makefile.build:286: net/ipv4/tcp.o] Killed":                        "out of memory",
		"make: *** [Makefile:1815: vmlinux] Error 137":                                            "out of memory",
		"Killed": "out of memory",
		"scripts/link-vmlinux.sh: line 100: 4242 Killed                  ${LD} -o vmlinux": "out of memory",
		"collect2: fatal error: ld terminated with signal 9 [Killed]":                      "out of memory",
		"/bin/sh: 0: fork: Resource temporarily unavailable":                               "fewer jobs",
		"/bin/sh: 1: bc: not found":                                                        "lacks something",
		"scripts/x.sh: line 5: lz4: command not found":                                     "lacks something",
		"scripts/sorttable.c:40:10: fatal error: gelf.h: No such file or directory":        "lacks something",
		"net/ipv4/tcp.c:9:1: internal compiler error: Segmentation fault":                  "the compiler failed",
		"make: *** [Makefile:192: __sub-make] Terminated":                                  "make was stopped",
	} {
		got := hostFault([]byte("  CC      init/main.o\n" + line + "\nmake: *** [Makefile:192: __sub-make] Error 2\n"))
		if !strings.Contains(got, want) || !strings.HasSuffix(got, line) {
			t.Errorf("%s: %q, want %q and the line", line, got, want)
		}
	}
	for _, line := range []string{
		"net/ipv4/tcp.c:12:10: fatal error: net/nothing.h: No such file or directory",
		"kernel/x.c:3:1: error: 'not' undeclared",
		"/bin/sh: 1: ./tools/bpf/resolve_btfids/resolve_btfids: not found",
		"make[1]: *** [Makefile:1815: net] Error 2",
	} {
		if got := hostFault([]byte(line + "\n")); got != "" {
			t.Errorf("%s: blames the host: %s", line, got)
		}
	}
}

// Of a log that cannot be written make does not die: what it ended by would pass
// for its own fault.
func TestLogThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	c := &counter{to: full}
	for range 2 {
		if n, err := c.Write([]byte("  CC      a.o\n")); n != 14 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if !errors.Is(c.err, syscall.ENOSPC) || c.made != 2 {
		t.Errorf("%v, %d files made", c.err, c.made)
	}
}
