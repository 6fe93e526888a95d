package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openPort opens a 16550 port raw: bytes go out as they are, nothing is echoed.
// The port is meant for records, so the line settings stay for as long as any
// process holds it.
func openPort(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open port: %w", err)
	}
	if err := makeRaw(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("make %s raw: %w", path, err)
	}
	return f, nil
}

// makeRaw is cfmakeraw(3) plus the highest speed a 16550 has; QEMU ignores the
// speed, but the kernel derives its drain time-outs from it.
func makeRaw(f *os.File) error {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Ispeed, t.Ospeed = unix.B115200, unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}

// requests listens for the host: each byte asks for the end of the running
// suite (event.EndSuite).
func requests(port *os.File) <-chan struct{} {
	asked := make(chan struct{}, 1)
	go func() {
		for buf := make([]byte, 1); ; {
			if _, err := port.Read(buf); err != nil {
				kmsg("listen on control port: " + err.Error())
				return
			}
			select {
			case asked <- struct{}{}:
			default:
			}
		}
	}()
	return asked
}

// drain waits until the port has sent what was written to it (tcdrain(3)).
func drain(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open port: %w", err)
	}
	defer f.Close()
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1); err != nil {
		return fmt.Errorf("drain %s: %w", path, err)
	}
	return nil
}
