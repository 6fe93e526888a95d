package fionread

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// request is one that has been sent, and is not answered yet.
type request struct {
	trial  int
	conn   *net.TCPConn
	stream *bufio.Reader
	cookie string
}

// get connects and sends a request with a cookie of n bytes, in one write.
func get(from *netlab.Host, v6 bool, trial, n int) (*request, error) {
	conns, err := dial(from, v6, 1)
	if err != nil {
		return nil, err
	}
	conn := conns[0]
	r := &request{trial: trial, conn: conn, stream: bufio.NewReader(conn), cookie: cookie(trial, n)}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: pod\r\nCookie: %s\r\n\r\n", r.cookie); err != nil {
		conn.Close()
		return nil, err
	}
	return r, nil
}

// exchange sends such a request and reads the answer.
func exchange(from *netlab.Host, v6 bool, trial, n int) error {
	r, err := get(from, v6, trial, n)
	if err != nil {
		return err
	}
	defer r.conn.Close()
	return r.answer(time.Now().Add(evidence.Stretch(timeout)))
}

// answer reads the answer, and checks that it is this request's. It is
// os.ErrDeadlineExceeded if none has come; then it can be called again.
func (r *request) answer(deadline time.Time) error {
	if err := r.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	if _, err := r.stream.Peek(1); err != nil {
		return fmt.Errorf("await answer: %w", err)
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout))); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r.stream, nil)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || string(body) != r.cookie {
		return fmt.Errorf("read answer: %s with %d bytes %.40q; want the cookie of %d bytes", resp.Status, len(body), body, len(r.cookie))
	}
	return nil
}

// cookie is one of n bytes, unlike those of other trials.
func cookie(trial, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte((i+i/26+trial)%26)
	}
	return string(b)
}
