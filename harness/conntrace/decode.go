package conntrace

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// kinds of bpf/connect.c, by number.
var kinds = [...]string{1: event.ConnectRetry, event.ConnectFailed}

// decode reads an event of bpf/connect.c.
func decode(b []byte) (raw bpf.ConnectConnectEvent, err error) {
	if _, err := binary.Decode(b, binary.NativeEndian, &raw); err != nil {
		return raw, fmt.Errorf("decode event of connect tracer: %w", err)
	}
	if int(raw.Kind) >= len(kinds) || kinds[raw.Kind] == "" {
		return raw, fmt.Errorf("decode event of connect tracer: kind %d", raw.Kind)
	}
	return raw, nil
}

// connect is all of an event but its stack.
func connect(raw bpf.ConnectConnectEvent) event.Connect {
	return event.Connect{
		Kind: kinds[raw.Kind], T: seconds(raw.Time), Began: seconds(raw.Began), Netns: raw.Netns,
		Local:   addrPort(raw.Local.Ip, raw.Local.Port),
		Remote:  addrPort(raw.Remote.Ip, raw.Remote.Port),
		Retries: int(raw.Retries), Errno: errno(raw.Error),
		Process: raw.Process, Thread: raw.Thread, Command: text(raw.Command[:]), Cookie: raw.Cookie,
	}
}

// stack is where the kernel was, innermost first.
func stack(raw bpf.ConnectConnectEvent) []uint64 {
	frames := raw.Stack[:]
	if end := slices.Index(frames, 0); end >= 0 {
		frames = frames[:end]
	}
	return frames
}

func addrPort(ip [16]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), port)
}

// errno is its name; "" of 0.
func errno(n uint32) string {
	if n == 0 {
		return ""
	}
	if name := unix.ErrnoName(syscall.Errno(n)); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", n)
}

func text(s []int8) string {
	var b []byte
	for _, c := range s {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

// seconds turns nanoseconds of CLOCK_BOOTTIME into what records carry, to the microsecond.
func seconds(ns uint64) float64 { return float64(ns/1000) / 1e6 }
