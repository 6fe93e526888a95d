package vmtest

import (
	"bytes"
	"debug/elf"
	"io"
	"os/exec"
)

// escape is the byte that ends a shell session from the host's side: Ctrl-].
const escape = 0x1d

// terminal joins a person's terminal to the shell port.
type terminal struct {
	person io.ReadWriter
	socketPair
}

// run copies both ways until the VM ends; hangUp is called at the escape, or
// when the person is gone. The goroutine that reads from the person ends with
// the person's next key: a terminal's read cannot be called off.
func (t *terminal) run(hangUp func()) {
	t.qemu.Close()
	go io.Copy(t.person, t.host)
	go func() {
		defer hangUp()
		buf := make([]byte, 256)
		for {
			n, err := t.person.Read(buf)
			at := bytes.IndexByte(buf[:n], escape)
			if at >= 0 {
				n = at
			}
			if _, werr := t.host.Write(buf[:n]); werr != nil || err != nil || at >= 0 {
				return
			}
		}
	}()
}

// FindBusybox finds a busybox that the guest can run, which has no libraries:
// one that is linked statically. "" if there is none.
func FindBusybox() string {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return ""
	}
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return ""
		}
	}
	return path
}
