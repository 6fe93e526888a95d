package vmtest

import (
	"bufio"
	"fmt"
	"io"
	"path"
)

// archive writes a cpio archive in the "newc" form that the kernel unpacks as
// initramfs (Documentation/driver-api/early-userspace/buffer-format.rst): a
// header of hex digits, the name, the data, each padded to four bytes. The
// first error sticks and is returned by close.
type archive struct {
	w    *bufio.Writer
	ino  int
	size int64
	dirs map[string]bool // that are in it
	err  error
}

// Modes of the entries: file type and permissions.
const (
	modeDir  = 0o040755
	modeFile = 0o100644
	modeExec = 0o100755
)

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<20), dirs: map[string]bool{".": true}}
}

// dir adds a directory and those it is in, which come first: the kernel makes none.
func (a *archive) dir(name string) {
	if a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	a.dirs[name] = true
	a.add(name, modeDir, nil)
}

// file adds a file and the directories it is in.
func (a *archive) file(name string, mode int, data []byte) {
	a.dir(path.Dir(name))
	a.add(name, mode, data)
}

func (a *archive) add(name string, mode int, data []byte) {
	a.ino++
	a.printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.printf("%s\x00", name)
	a.pad()
	a.write(data)
	a.pad()
}

// close ends the archive.
func (a *archive) close() error {
	a.add("TRAILER!!!", 0, nil)
	if a.err == nil {
		a.err = a.w.Flush()
	}
	if a.err != nil {
		return fmt.Errorf("write initramfs: %w", a.err)
	}
	return nil
}

func (a *archive) printf(format string, args ...any) { a.write(fmt.Appendf(nil, format, args...)) }

func (a *archive) pad() { a.write(make([]byte, (4-a.size%4)%4)) }

func (a *archive) write(p []byte) {
	if a.err != nil {
		return
	}
	n, err := a.w.Write(p)
	a.size += int64(n)
	a.err = err
}
