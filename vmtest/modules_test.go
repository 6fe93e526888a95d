package vmtest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// makeModule builds a relocatable ELF file with nothing but a .modinfo.
func makeModule(t *testing.T, depends string) []byte {
	t.Helper()
	const names = "\x00.modinfo\x00.shstrtab\x00"
	depends, soft, _ := strings.Cut(depends, ";")
	info := "license=GPL\x00depends=" + depends + "\x00softdep=" + soft + "\x00name=x\x00"
	head := binary.Size(elf.Header64{})
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: uint64(head), Size: uint64(len(info))},
		{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: uint64(head + len(info)), Size: uint64(len(names))},
	}
	var out bytes.Buffer
	put := func(v any) {
		if err := binary.Write(&out, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	h := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1,
		Shoff: uint64(head + len(info) + len(names)), Ehsize: uint16(head), Shentsize: 64, Shnum: 3, Shstrndx: 2}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	put(h)
	put([]byte(info))
	put([]byte(names))
	put(sections)
	return out.Bytes()
}

// makeTree writes modules below a folder like lib/modules/RELEASE. A module's
// value is what it depends on, and behind a semicolon its softdep; its name's ending says how it is compressed.
func makeTree(t *testing.T, builtin string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, depends := range files {
		var buf bytes.Buffer
		var w io.WriteCloser
		var err error
		switch filepath.Ext(name) {
		case ".xz":
			w, err = xz.NewWriter(&buf)
		case ".zst":
			w, err = zstd.NewWriter(&buf)
		}
		if err != nil {
			t.Fatal(err)
		}
		data := makeModule(t, depends)
		if w != nil {
			w.Write(data)
			w.Close()
			data = buf.Bytes()
		}
		path := filepath.Join(dir, "kernel/drivers", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte(builtin), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestModules(t *testing.T) {
	files := map[string]string{
		"net/veth.ko":        "",
		"net/tcp_diag.ko.xz": "inet_diag,sock-diag",
		"net/inet_diag.ko":   "sock_diag",
		"sock_diag.ko.zst":   "",
		"broken.ko":          "nowhere",
		"libcrc32c.ko":       ";pre: crc32c veth post: sock_diag",
		"crc32c_generic.ko":  "",
		"asks_much.ko":       ";pre: nowhere",
	}
	tests := map[string]struct {
		want []string
		list string // the modules in load order
		miss string // the module that the kernel does not have
	}{
		"plain":            {[]string{"veth"}, "veth", ""},
		"dependencies":     {[]string{"tcp_diag", "veth"}, "sock_diag inet_diag tcp_diag veth", ""},
		"twice":            {[]string{"veth", "veth", "inet_diag", "tcp_diag"}, "veth sock_diag inet_diag tcp_diag", ""},
		"dash":             {[]string{"tcp-diag"}, "sock_diag inet_diag tcp_diag", ""},
		"built in":         {[]string{"ipv6", "nf-tables"}, "", ""},
		"missing":          {[]string{"ip_vs"}, "", "ip_vs"},
		"soft":             {[]string{"libcrc32c"}, "crc32c_generic veth libcrc32c", ""},
		"soft lacks":       {[]string{"asks_much"}, "asks_much", ""},
		"dependency lacks": {[]string{"broken"}, "", "nowhere"},
	}
	dir := makeTree(t, "kernel/net/ipv6/ipv6.ko\nkernel/net/nf_tables.ko\n", files)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := openModules(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if err = m.want(want); err != nil {
					break
				}
			}
			var none missingModule
			if errors.As(err, &none); none.name != test.miss || (err != nil) != (test.miss != "") {
				t.Fatalf("error is %v, want missing %q", err, test.miss)
			}
			var list []string
			for _, mod := range m.list {
				list = append(list, mod.name)
				if !bytes.HasPrefix(mod.data, []byte("\x7fELF")) {
					t.Errorf("%s is not decompressed", mod.name)
				}
			}
			if got := strings.Join(list, " "); got != test.list {
				t.Errorf("load order %q, want %q", got, test.list)
			}
		})
	}
}

func TestModulesOfAKernelWithout(t *testing.T) {
	m, err := openModules("")
	if err != nil || m.want("veth") != nil {
		t.Errorf("a kernel without modules has everything built in, got %v", err)
	}
}

func TestTruncatedModule(t *testing.T) {
	dir := makeTree(t, "", map[string]string{"veth.ko.xz": ""})
	path := filepath.Join(dir, "kernel/drivers/veth.ko.xz")
	if err := os.Truncate(path, 60); err != nil {
		t.Fatal(err)
	}
	m, err := openModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.want("veth"); err == nil || errors.As(err, new(missingModule)) {
		t.Errorf("a truncated module gave %v", err)
	}
}

func TestPackChargesTheSuiteThatLacksAModule(t *testing.T) {
	m := Machine{Kernel: Kernel{Modules: makeTree(t, "", map[string]string{"veth.ko": ""})}, Suites: []Suite{
		{Name: "good", Modules: []string{"veth"}, Args: []string{"-ginkgo.v"}},
		{Name: "bad", Modules: []string{"veth", "ip-vs"}},
		{Name: "ugly"},
	}}.filled()
	given := map[string][]string{"ugly": {"CONFIG_X"}}
	m.Kernel.Info.Missing = given
	l, err := m.pack()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.suites) != 1 || l.plan.Suites[0].Name != "good" || l.plan.Modules[0] != "/krepro/modules/veth.ko" {
		t.Errorf("plan is %+v", l.plan)
	}
	if got := m.Kernel.Info.Missing["bad"]; !slices.Equal(got, []string{"module ip_vs"}) {
		t.Errorf("bad misses %q", got)
	}
	if len(given) != 1 {
		t.Error("the caller's map was changed")
	}
}
