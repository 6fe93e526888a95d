package vmtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// Run boots the machine and returns how it ended, which exit.json says too. The
// error is for a folder that cannot be written; whatever else goes wrong is an
// event.Exit.
func (m Machine) Run(ctx context.Context) (event.Exit, error) {
	m = m.filled()
	if err := m.createDir(); err != nil {
		return event.Exit{}, err
	}
	follow := newFollower(m.path("artefacts"), m.Progress)
	defer follow.close()
	exit := event.Exit{Runner: m.Runner, Accel: m.Accel}
	err := m.run(ctx, follow, &exit)
	var bad notKernel
	switch {
	case errors.As(err, &bad):
		exit.Reason, exit.Error = event.ExitDied, err.Error()
	case err != nil && ctx.Err() != nil:
		exit.Reason = event.ExitCancelled
	case err != nil:
		exit.Reason, exit.Error = event.ExitHost, err.Error()
	}
	exit.Seconds = event.Round(time.Since(follow.start))
	exit.Phase, exit.Spec = follow.now.Phase, follow.now.Spec
	if exit.Reason != event.ExitDone {
		exit.Tail = follow.tail
	}
	return exit, writeJSON(m.path("exit.json"), exit)
}

// createDir creates the VM's folder. Evidence of another run in it would be
// taken for this one's.
func (m *Machine) createDir() error {
	for _, name := range []string{"console.log", "exit.json"} {
		if _, err := os.Lstat(m.path(name)); err == nil {
			return fmt.Errorf("create vm folder: %s has a %s of another run", m.Dir, name)
		}
	}
	if err := os.MkdirAll(m.path("artefacts"), 0o755); err != nil {
		return fmt.Errorf("create vm folder: %w", err)
	}
	return nil
}

func (m *Machine) path(name string) string { return filepath.Join(m.Dir, name) }

// run does all of it but the last word. An error is the host's fault, or a
// notKernel.
func (m *Machine) run(ctx context.Context, follow *follower, exit *event.Exit) error {
	if _, ok := paces[m.Accel]; !ok {
		return fmt.Errorf("choose accelerator: %q is neither tcg nor kvm", m.Accel)
	}
	clock := takeStamp()
	if f, ok := foreigns[m.Runner]; ok {
		return m.runForeign(ctx, f, follow, exit, clock)
	}
	chans, load, err := m.open(follow, newSocketPair)
	if err != nil {
		return err
	}
	defer closeAll(chans)
	args, image, err := m.prepare(ctx, exit, load, clock)
	if err != nil {
		return err
	}
	defer image.Close()
	files := []*os.File{image}
	for _, c := range chans {
		files = append(files, c.qemu)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	term := terminal{person: m.Shell}
	if m.Shell != nil {
		if term.socketPair, err = newSocketPair("shell"); err != nil {
			return err
		}
		defer term.close()
		files = append(files, term.qemu)
	}
	return m.boot(ctx, follow, exit, chans, func() (*process, error) {
		qemu, err := start(args, files, follow.onComplaint)
		if err == nil && m.Shell != nil {
			term.run(cancel)
		}
		return qemu, err
	})
}

// open makes the channels, decides what goes into the VM, and says what kernel
// this is.
func (m *Machine) open(follow *follower, join func(name string) (socketPair, error)) ([]*channel, load, error) {
	chans, err := m.openChannels(follow, join)
	if err != nil {
		return nil, load{}, err
	}
	l, err := m.pack()
	if err == nil {
		err = writeJSON(m.path("kernel.json"), m.Kernel.Info)
	}
	if err != nil {
		closeAll(chans)
		return nil, load{}, err
	}
	return chans, l, nil
}

// prepare makes QEMU's arguments and the initramfs.
func (m *Machine) prepare(ctx context.Context, exit *event.Exit, l load, clock stamp) (args []string, image *os.File, err error) {
	kernel, err := m.Kernel.bootable()
	if err != nil {
		return nil, nil, err
	}
	if exit.QEMU, err = Version(ctx, m.QEMU); err != nil {
		return nil, nil, err
	}
	khz, err := clock.kilohertz()
	if err != nil {
		return nil, nil, err
	}
	if image, err = m.memoryImage(l); err != nil {
		return nil, nil, err
	}
	if m.Memory == 0 {
		var info os.FileInfo
		if info, err = image.Stat(); err != nil {
			image.Close()
			return nil, nil, fmt.Errorf("measure initramfs: %w", err)
		}
		m.Memory = memoryFor(info.Size())
	}
	args = m.arguments(kernel, khz)
	if err := m.writeArgs("qemu.args", args); err != nil {
		image.Close()
		return nil, nil, err
	}
	return args, image, nil
}

// writeArgs leaves a command line, one argument a line.
func (m *Machine) writeArgs(name string, args []string) error {
	if err := os.WriteFile(m.path(name), []byte(strings.Join(args, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("write arguments: %w", err)
	}
	return nil
}

// boot runs QEMU, or what runs one, from start to end.
func (m *Machine) boot(ctx context.Context, follow *follower, exit *event.Exit, chans []*channel, start func() (*process, error)) error {
	follow.begin()
	qemu, err := start()
	if err != nil {
		return err
	}
	defer qemu.stop()
	copied := copyAll(chans, follow)
	exit.Reason = m.watch(ctx, follow, qemu.ended, chans[control].endSuite)
	qemu.stop()
	copied.Wait()
	return m.conclude(follow, exit, qemu)
}

// conclude names the end of a VM that has ended.
func (m *Machine) conclude(follow *follower, exit *event.Exit, qemu *process) error {
	if said := qemu.said.text(); len(said) > 0 {
		if err := os.WriteFile(m.path("artefacts/qemu.log"), said, 0o644); err != nil {
			follow.fail(fmt.Errorf("keep what qemu said: %w", err))
		}
	}
	if err := m.writePcaps(); err != nil {
		follow.fail(err)
	}
	s := follow.state()
	if s.err != nil {
		return s.err
	}
	if f, ok := foreigns[m.Runner]; ok && exit.Reason != event.ExitCancelled && s.done.IsZero() {
		if err := m.foreignFault(f, s, exit.Reason, qemu); err != nil {
			return err
		}
	}
	if exit.Reason != "" {
		return nil
	}
	if err := qemu.fault(); err != nil && m.Runner == RunnerQEMU {
		return err
	}
	exit.Reason = event.ExitDied
	if !s.done.IsZero() {
		exit.Reason = event.ExitDone
	}
	return nil
}

// openChannels creates the channels' files; they exist from the start, so that
// an empty one means that nothing came.
func (m *Machine) openChannels(follow *follower, join func(name string) (socketPair, error)) ([]*channel, error) {
	var chans []*channel
	for i, file := range channelFiles {
		c, err := openChannel(channels[i], m.path(file), join)
		if err != nil {
			closeAll(chans)
			return nil, err
		}
		c.onBytes, c.onLine = follow.onBytes, follow.onRecord
		if i == console {
			c.onLine = follow.onConsole
		}
		chans = append(chans, c)
	}
	return chans, nil
}

func closeAll(chans []*channel) {
	for _, c := range chans {
		c.close()
	}
}

// copyAll starts to copy all channels. QEMU has their other ends by now: once
// it ends, so do they.
func copyAll(chans []*channel, follow *follower) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, c := range chans {
		c.qemu.Close()
		all.Go(func() {
			if err := c.copy(); err != nil {
				follow.fail(err)
			}
		})
	}
	return &all
}

// memoryImage makes the initramfs, and leaves a copy if it is to be kept.
func (m *Machine) memoryImage(l load) (*os.File, error) {
	image, err := memoryFile("initramfs")
	if err != nil {
		return nil, err
	}
	err = m.initramfs(l, image)
	if err == nil && m.Keep {
		err = m.keep(l)
	}
	if err != nil {
		image.Close()
		return nil, err
	}
	return image, nil
}

func (m *Machine) keep(l load) error {
	f, err := os.Create(m.path("artefacts/initramfs.cpio"))
	if err != nil {
		return fmt.Errorf("keep initramfs: %w", err)
	}
	defer f.Close()
	return m.initramfs(l, f)
}

// Version asks QEMU for its version, e.g. "7.2.22".
func Version(ctx context.Context, qemu string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, qemu, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", qemu, err)
	}
	_, rest, found := strings.Cut(string(out), "version ")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return "", fmt.Errorf("ask %s for its version: unexpected answer %.80q", qemu, out)
	}
	return fields[0], nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "\t")
	if err == nil {
		err = os.WriteFile(path+".new", append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, remove(path+".new")))
	}
	return nil
}

// remove is os.Remove that does not mind if there is no such file.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
