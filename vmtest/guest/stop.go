package main

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// stop ends the VM. It restarts rather than powers off: QEMU runs with
// -no-reboot and ends at the reset, which works without ACPI too. Whatever the
// restart does, PID 1 stays.
func stop() {
	flush()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		kmsg(err.Error())
	}
	for {
		time.Sleep(time.Hour)
	}
}

// flush returns when all that was written has left the VM.
func flush() {
	unix.Sync()
	for _, port := range []string{event.PortEvents, event.PortControl} {
		if err := drain(port); err != nil {
			kmsg(err.Error())
		}
	}
}
