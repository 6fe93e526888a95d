// Package probe is the workload: an HTTP server in a pod, and a prober that
// asks it as a kubelet does: a new connection for each GET, a chosen source
// port, a deadline. Request and response carry the identity of their
// connection, which both ends check.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"

	"github.com/krepro/krepro/harness/event"
)

// Class is how a probe ended, in the classes that people know from curl.
type Class string

const (
	OK              Class = "ok"
	Refused         Class = "refused"          // ECONNREFUSED
	Reset           Class = "reset"            // ECONNRESET, or EPIPE after one
	ConnectTimeout  Class = "connect-timeout"  // no handshake by the deadline, or ETIMEDOUT
	ReadTimeout     Class = "read-timeout"     // connected, request sent, no answer by the deadline
	Unanswered      Class = "unanswered"       // no answer, but the server answers nobody
	Closed          Class = "closed"           // the server closed without an answer
	AddrUnavailable Class = "addr-unavailable" // EADDRNOTAVAIL or EADDRINUSE: the source port cannot be had
	Crossed         Class = "crossed"          // an answer came, but another connection's
	Failed          Class = "failed"           // anything else; Err says what
)

// Outcome is what became of one probe. Times are seconds since boot, as in
// event.Connection.
type Outcome struct {
	Trial         int
	From          string // name of the host that asked
	Local, Remote netip.AddrPort
	Class         Class
	Err           error
	Began         float64 // connect(2) was called
	Connected     float64 // it had returned
	Sent          float64 // the request was written
	Control       float64 // the answer was overdue, and a control was answered
	Ended         float64
	Request       int    // bytes of the request that write(2) took
	Client        uint64 // cookie of the client's socket
	Server        uint64 // cookie of the server's socket, if it is known
	// TCP_INFO of the client's socket before the request and at the end, and of
	// the server's as it was accepted and at the end; nil where there is none.
	Before, After             *event.TCPInfo
	ServerBefore, ServerAfter *event.TCPInfo
}

func (o Outcome) String() string {
	s := fmt.Sprintf("trial %d %s > %s: %s", o.Trial, o.Local, o.Remote, o.Class)
	if o.Err != nil {
		s += fmt.Sprintf(" (%v)", o.Err)
	}
	return s
}

// classify names an error of connect (connected = false) or of the exchange.
func classify(err error, connected bool) Class {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EADDRINUSE):
		return AddrUnavailable
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		if connected {
			return ReadTimeout
		}
		return ConnectTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	case errors.Is(err, errCrossed):
		return Crossed
	case errors.Is(err, errUnanswered):
		return Unanswered
	}
	return Failed
}
