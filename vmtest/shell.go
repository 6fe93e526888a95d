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

// endOfInput is what a terminal in canonical mode reads as the end: Ctrl-D.
const endOfInput = 0x04

// run copies both ways until the VM ends; hangUp is called at the escape. The
// goroutine that reads from the person ends with the person's next key: a
// terminal's read cannot be called off.
func (t *terminal) run(hangUp func()) {
	t.qemu.Close()
	ready := make(chan struct{})
	go t.show(ready)
	go t.enter(ready, hangUp)
}

// show copies from the guest. Its first byte is the shell's: from then on it listens.
func (t *terminal) show(ready chan struct{}) {
	buf := make([]byte, 4096)
	n, err := t.host.Read(buf)
	close(ready)
	if err != nil {
		return
	}
	if _, err := t.person.Write(buf[:n]); err == nil {
		io.Copy(t.person, t.host)
	}
}

// enter copies to the guest once it is ready: a serial port that nobody has
// opened yet drops what comes. When the input ends, so does the shell.
func (t *terminal) enter(ready chan struct{}, hangUp func()) {
	buf := make([]byte, 256)
	for {
		n, err := t.person.Read(buf)
		if bytes.IndexByte(buf[:n], escape) >= 0 {
			hangUp()
			return
		}
		<-ready
		if _, werr := t.host.Write(buf[:n]); werr != nil {
			return
		}
		if err != nil {
			t.host.Write([]byte{endOfInput})
			return
		}
	}
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
