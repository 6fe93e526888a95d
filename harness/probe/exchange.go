package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

var errCrossed = errors.New("bytes of another connection")

// Get sends one request over the connection, reads the answer to the end of
// the stream, and closes: the server closes first, so that TIME_WAIT is on its
// side and the client's port is free at once.
func (c *Conn) Get(trial int) Outcome {
	defer c.Close()
	o := Outcome{Trial: trial, Client: c.Cookie}
	o.Local, o.Remote = c.Addrs()
	if o.Before, o.Err = TCPInfo(c.TCPConn); o.Err == nil {
		o.Server, o.Err = c.exchange(o)
	}
	o.Class = classify(o.Err, true)
	if o.Err != nil {
		// No FIN: TIME_WAIT would hold the source port for a minute.
		o.Err = errors.Join(o.Err, c.AbortOnClose())
	}
	after, err := TCPInfo(c.TCPConn)
	o.After = after
	if o.Err == nil && err != nil {
		o.Class, o.Err = Failed, err
	}
	return o
}

func (c *Conn) exchange(o Outcome) (server uint64, err error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, fmt.Errorf("set deadline: %w", err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+o.Remote.String()+"/health", nil)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	req.Close = true
	req.Header.Set("User-Agent", "kube-probe/krepro")
	req.Header.Set(headerClient, o.Local.String())
	req.Header.Set(headerTrial, strconv.Itoa(o.Trial))
	if err := req.Write(c); err != nil {
		return 0, fmt.Errorf("send request: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return 0, fmt.Errorf("await answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return checkAnswer(o, resp, string(body), c)
}

func checkAnswer(o Outcome, resp *http.Response, body string, rest io.Reader) (uint64, error) {
	if resp.StatusCode == http.StatusConflict {
		return 0, fmt.Errorf("%w: server says: %s", errCrossed, body)
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("server answers %s: %s", resp.Status, body)
	}
	if got := resp.Header.Get(headerTrial); got != strconv.Itoa(o.Trial) || body != "ok "+o.Local.String() {
		return 0, fmt.Errorf("%w: trial %d of %s read the answer to trial %s: %q", errCrossed, o.Trial, o.Local, got, body)
	}
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return 0, fmt.Errorf("await end of stream: %w", err)
	}
	server, err := strconv.ParseUint(resp.Header.Get(headerServer), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read server's cookie: %w", err)
	}
	return server, nil
}
