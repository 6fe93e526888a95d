package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

var (
	errCrossed    = errors.New("bytes of another connection")
	errUnanswered = errors.New("overdue, and so is the control")
)

// Get sends one request over the connection, reads the answer to the end of
// the stream, and closes: the server closes first, as it does to a kubelet.
func (c *Conn) Get(trial int) Outcome {
	defer c.Close()
	o := Outcome{Trial: trial, Client: c.Cookie}
	o.Local, o.Remote = c.Addrs()
	if o.Before, o.Err = TCPInfo(c.TCPConn); o.Err == nil {
		o.Server, o.Err = c.exchange(o)
	}
	o.Class = classify(o.Err, true)
	after, err := TCPInfo(c.TCPConn)
	o.After = after
	if o.Err == nil && err != nil {
		o.Class, o.Err = Failed, err
	}
	return o
}

func (c *Conn) exchange(o Outcome) (server uint64, err error) {
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
	stream := bufio.NewReader(c)
	if err := c.await(stream); err != nil {
		return 0, fmt.Errorf("await answer: %w", err)
	}
	resp, err := http.ReadResponse(stream, req)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return checkAnswer(o, resp, string(body), c)
}

// rest bounds the reading of an answer that has begun to come.
const rest = 30 * time.Second

// await returns when the first byte of the answer is there, or the request is stuck.
func (c *Conn) await(stream *bufio.Reader) error {
	err := c.peek(stream, c.answer)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.control != nil {
		if err := c.control(); err != nil {
			return fmt.Errorf("%w: %v", errUnanswered, err)
		}
		err = c.peek(stream, c.answer/2)
	}
	if err != nil {
		return err
	}
	return c.SetReadDeadline(time.Now().Add(rest))
}

func (c *Conn) peek(stream *bufio.Reader, limit time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := stream.Peek(1)
	return err
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
