package event

import (
	"syscall"
	"time"
	"unsafe"
)

// clockBoottime is CLOCK_BOOTTIME of clock_gettime(2); the syscall package has no name for it.
const clockBoottime = 7

// Uptime is the time since the kernel booted, suspended time included (clock_gettime(2), CLOCK_BOOTTIME).
func Uptime() time.Duration {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// Now is Uptime in seconds, to the microsecond, as records carry it.
func Now() float64 { return float64(Uptime().Microseconds()) / 1e6 }
