// Package vmtest boots a kernel in QEMU, runs suites in it, and leaves a folder
// of evidence. To it a kernel is files and an event.Kernel.
//
//	m := vmtest.Machine{Kernel: k, Dir: dir, Guest: init, Suites: suites}
//	exit, err := m.Run(ctx)
//
// The VM has no disk, no network device and no host file system: an initramfs
// made here carries PID 1 (package guest), the suites, the modules they need and
// the plan. Bytes leave it by 16550 ports, which every kernel has built in, one
// writer each: the console, PID 1's records, the suite's records, and a fourth
// for a person (Machine.Shell). They come through sockets, so that a full disk is
// noticed here, and are on disk and understood as they arrive. The folder:
//
//	kernel.json     event.Kernel
//	qemu.args       one argument a line
//	console.log     the kernel log
//	control.jsonl   event.Record lines of PID 1, what the suites print among them
//	events.jsonl    event.Record lines of the suites
//	exit.json       event.Exit, written last
//	artefacts/      qemu.log if QEMU said anything, SUITE.log what a suite printed
//
// Machine.Runner has another program boot the VM, over the host's root: virtme-ng
// or vmtest. The guest then runs as a child of that program's init, in a copy of
// what would be its initramfs; ports, records and folder are the same, with
// runner.args for qemu.args.
//
// How a VM ended is told by what arrived and what did not, never by QEMU's exit
// status, which is 0 after a guest panic. Three deadlines bound it: PID 1's first
// record, silence on all channels, and the whole. A suite that is silent for too
// long is ended by PID 1 first, and the next one runs. At any end, whether deadline,
// cancelled context or full disk, QEMU is stopped and what is known is written;
// should this process die, the kernel takes QEMU along.
package vmtest
