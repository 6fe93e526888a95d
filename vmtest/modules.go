package vmtest

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// module is a kernel module ready for the guest.
type module struct {
	name string
	data []byte // the ELF file, decompressed: not every kernel can do that itself
}

// modules finds kernel modules with what they depend on. Dependencies are read
// from the modules themselves (section .modinfo, "depends="): modules.dep is
// made at installation and no package carries it.
type modules struct {
	files   map[string]string // path by name
	builtin map[string]bool
	loaded  map[string]bool
	list    []module // what was wanted so far, dependencies first
}

// missingModule says that a kernel has no such module.
type missingModule struct{ name string }

func (m missingModule) Error() string { return "kernel has no module " + m.name }

// openModules lists lib/modules/RELEASE. No folder: every module is built in.
func openModules(dir string) (*modules, error) {
	m := &modules{files: map[string]string{}, builtin: map[string]bool{}, loaded: map[string]bool{}}
	if dir == "" {
		return nil, nil
	}
	if err := m.readBuiltin(filepath.Join(dir, "modules.builtin")); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if name, ok := moduleName(path); ok {
				m.files[name] = path
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	return m, nil
}

// readBuiltin reads modules.builtin: a path a line, kernel/net/ipv4/tcp_diag.ko.
// A kernel without modules has no such file.
func (m *modules) readBuiltin(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read built-in modules: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, ok := moduleName(lines.Text()); ok {
			m.builtin[name] = true
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read built-in modules: %w", err)
	}
	return nil
}

// want adds a module and what it depends on to the list, unless it is there or
// built in. The error is a missingModule if the kernel has none.
func (m *modules) want(name string) error {
	name = canonical(name)
	if m == nil || m.builtin[name] || m.loaded[name] {
		return nil
	}
	path, ok := m.files[name]
	if !ok {
		return missingModule{name}
	}
	data, err := readModule(path)
	if err != nil {
		return err
	}
	depends, soft, err := dependencies(data)
	if err != nil {
		return fmt.Errorf("read module %s: %w", path, err)
	}
	m.loaded[name] = true
	for _, d := range soft {
		if err := m.wantSoft(d); err != nil {
			return err
		}
	}
	for _, d := range depends {
		if err := m.want(d); err != nil {
			return fmt.Errorf("%w, which %s depends on", err, name)
		}
	}
	m.list = append(m.list, module{name, data})
	return nil
}

// wantSoft adds what another module asks to have loaded before it, if there is
// such a module: libcrc32c fails without a crc32c. The name may be an alias, by
// the crypto API's custom that of NAME_generic.
func (m *modules) wantSoft(name string) error {
	var none missingModule
	for _, n := range []string{name, name + "_generic"} {
		if err := m.want(n); !errors.As(err, &none) {
			return err
		}
	}
	return nil
}

// canonical is how the kernel writes a module's name.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

// moduleName tells a module file by its name, and what module it is.
func moduleName(path string) (string, bool) {
	base := filepath.Base(path)
	for _, suffix := range []string{".ko", ".ko.xz", ".ko.zst"} {
		if name, ok := strings.CutSuffix(base, suffix); ok {
			return canonical(name), true
		}
	}
	return "", false
}

// readModule reads a module file and decompresses it.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".xz":
		r, err = xz.NewReader(bufio.NewReader(f))
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f); err == nil {
			defer z.Close()
			r = z
		}
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(r)
	}
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", path, err)
	}
	return data, nil
}

// dependencies reads what a module needs: the names after "depends=" in
// .modinfo, and those after "softdep=pre:" (modprobe.d(5)). The section holds
// KEY=VALUE strings with a zero byte after each.
func dependencies(data []byte) (depends, soft []string, err error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, nil, errors.New("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, nil, fmt.Errorf("read .modinfo: %w", err)
	}
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if names, ok := strings.CutPrefix(entry, "depends="); ok && names != "" {
			depends = strings.Split(names, ",")
		}
		if names, ok := strings.CutPrefix(entry, "softdep=pre:"); ok {
			before, _, _ := strings.Cut(names, "post:")
			soft = append(soft, strings.Fields(before)...)
		}
	}
	return depends, soft, nil
}
