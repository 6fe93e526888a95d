package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
)

// Headers by which both ends check whose bytes they read.
const (
	headerClient = "X-Krepro-Client" // request: the client's own address
	headerTrial  = "X-Krepro-Trial"  // both ways
	headerServer = "X-Krepro-Server" // response: cookie of the server's socket
)

// Listen opens a listening socket on the host. Nothing is accepted until
// somebody does: the kernel completes handshakes by itself.
//
// It is a TCP socket: Go would make an MPTCP one where the kernel has that, whose
// accept in a sockhash is another subject (WARN in mptcp_stream_accept, 6.12.43).
func Listen(h *netlab.Host, v6 bool, port uint16) (*net.TCPListener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	var l net.Listener
	err := h.Do(func() (err error) {
		l, err = config.Listen(context.Background(), "tcp", netip.AddrPortFrom(h.Addr(v6), port).String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s port %d: %w", h.Name, port, err)
	}
	return l.(*net.TCPListener), nil
}

// Server is an HTTP server like a pod's health endpoint. It answers each
// request with the identity of the connection it came in on, then closes.
type Server struct {
	http http.Server

	mu   sync.Mutex
	ends map[netip.AddrPort]*end // by the client's address, newest
}

// end is the server's end of a connection.
type end struct {
	conn   syscall.Conn
	cookie uint64
	before *event.TCPInfo // as it was accepted
	after  *event.TCPInfo // before the answer was written; nil: it has not come to that
}

type endKey struct{}

// Serve answers on a listener until Close.
func Serve(l net.Listener) *Server {
	s := &Server{ends: map[netip.AddrPort]*end{}}
	s.http = http.Server{
		Handler:     http.HandlerFunc(s.answer),
		ConnContext: s.accepted,
		// Shorter, it would end a stuck request before a loaded host's client gives it up.
		ReadTimeout: time.Minute,
		ErrorLog:    log.New(io.Discard, "", 0), // what goes wrong, the client reports
	}
	go s.http.Serve(l)
	return s
}

// Close stops listening and closes every connection.
func (s *Server) Close() error {
	if err := s.http.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close server: %w", err)
	}
	return nil
}

// end adds to an outcome what is known of the server's end, which is still open
// if it has not answered.
func (s *Server) end(o *Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.ends[o.Local]
	if e == nil || e.before == nil || e.before.T < o.Began {
		return // not accepted; what is here was an earlier connection's
	}
	if e.after == nil {
		e.after = info(e.conn)
	}
	o.Server, o.ServerBefore, o.ServerAfter = e.cookie, e.before, e.after
}

// info is TCP_INFO, or nil of a socket that is closed.
func info(c syscall.Conn) *event.TCPInfo {
	i, err := TCPInfo(c)
	if err != nil {
		return nil
	}
	return &i
}

// accepted runs before anything is read from the connection, so the socket is
// watched from its first recvmsg.
func (s *Server) accepted(ctx context.Context, c net.Conn) context.Context {
	conn := c.(syscall.Conn)
	cookie, err := Cookie(conn)
	if err != nil {
		return ctx
	}
	e := &end{conn: conn, cookie: cookie, before: info(conn)}
	if addr, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		s.mu.Lock()
		s.ends[addr] = e
		s.mu.Unlock()
	}
	return context.WithValue(ctx, endKey{}, e)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if claimed := r.Header.Get(headerClient); claimed != r.RemoteAddr {
		http.Error(w, fmt.Sprintf("request of %s was read on the connection of %s", claimed, r.RemoteAddr), http.StatusConflict)
		return
	}
	var cookie uint64
	if e, ok := r.Context().Value(endKey{}).(*end); ok {
		cookie = e.cookie
		s.mu.Lock()
		e.after = info(e.conn)
		s.mu.Unlock()
	}
	w.Header().Set(headerTrial, r.Header.Get(headerTrial))
	w.Header().Set(headerServer, strconv.FormatUint(cookie, 10))
	w.Header().Set("Connection", "close")
	io.WriteString(w, "ok "+r.RemoteAddr)
}
