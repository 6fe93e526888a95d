package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestClassify(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)} }
	for _, c := range []struct {
		err       error
		connected bool
		want      Class
	}{
		{nil, true, OK},
		{op(syscall.ECONNREFUSED), false, Refused},
		{op(syscall.ECONNRESET), true, Reset},
		{op(syscall.EPIPE), true, Reset},
		{op(syscall.EADDRNOTAVAIL), false, AddrUnavailable},
		{op(syscall.EADDRINUSE), false, AddrUnavailable},
		{os.ErrDeadlineExceeded, true, ReadTimeout},
		{os.ErrDeadlineExceeded, false, ConnectTimeout},
		{context.DeadlineExceeded, false, ConnectTimeout},
		{op(syscall.ETIMEDOUT), false, ConnectTimeout},
		{io.ErrUnexpectedEOF, true, Closed},
		{fmt.Errorf("%w: x", errCrossed), true, Crossed},
		{fmt.Errorf("%w: %v", errUnanswered, os.ErrDeadlineExceeded), true, Unanswered},
		{errors.New("else"), true, Failed},
	} {
		if got := classify(c.err, c.connected); got != c.want {
			t.Errorf("%v, connected %t: %s, want %s", c.err, c.connected, got, c.want)
		}
	}
}
