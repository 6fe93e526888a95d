package kernels

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// libraryDirs are where Debian's packages put libraries, and its dynamic linker
// looks for them.
var libraryDirs = []string{"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"}

// linked finds a program and all that it is linked with, its interpreter
// included, in the folder that packages were unpacked into. It returns paths in
// the guest to paths in the folder. What is linked is read from the ELF files
// (DT_NEEDED).
func linked(root *os.Root, program string) (map[string]string, error) {
	found := map[string]string{program: strings.TrimPrefix(program, "/")}
	for todo := []string{program}; len(todo) > 0; todo = todo[1:] {
		names, interpreter, err := needs(root, found[todo[0]])
		if err != nil {
			return nil, fmt.Errorf("read what %s is linked with: %w", todo[0], err)
		}
		if interpreter != "" {
			at, err := library(root, path.Base(interpreter))
			if err != nil {
				return nil, err
			}
			found[interpreter] = at
		}
		for _, name := range names {
			at, err := library(root, name)
			if err != nil {
				return nil, fmt.Errorf("%w, which %s is linked with", err, todo[0])
			}
			if guest := "/" + at; found[guest] == "" {
				found[guest] = at
				todo = append(todo, guest)
			}
		}
	}
	return found, nil
}

// library finds a library by its name.
func library(root *os.Root, name string) (string, error) {
	for _, dir := range libraryDirs {
		at := path.Join(dir, name)
		_, err := root.Stat(at)
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find library: %w", err)
		}
	}
	return "", fmt.Errorf("no package has library %s", name)
}

// needs reads the libraries and the interpreter that an ELF file asks for.
func needs(root *os.Root, file string) (libraries []string, interpreter string, err error) {
	r, err := root.Open(file)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, "", err
	}
	if libraries, err = f.ImportedLibraries(); err != nil {
		return nil, "", err
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(p.Open())
		return libraries, strings.TrimRight(string(name), "\x00"), err
	}
	return libraries, "", nil
}
