package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/krepro/krepro/harness/event"
)

var (
	errCrossed    = errors.New("bytes of another connection")
	errUnanswered = errors.New("overdue, and so is the control")
)

// Get sends one request over the connection, reads the answer to the end of
// the stream, and closes: the server closes first, as it does to a kubelet.
func (c *Conn) Get(trial int) Outcome {
	defer c.Close()
	o := Outcome{Trial: trial, From: c.from, Client: c.Cookie, Began: c.began, Connected: c.connected}
	o.Local, o.Remote = c.Addrs()
	if o.Before, o.Err = c.info(); o.Err == nil {
		o.Err = c.exchange(&o)
	}
	o.Class = classify(o.Err, true)
	o.Ended = event.Now()
	var err error
	if o.After, err = c.info(); err != nil && o.Err == nil {
		o.Class, o.Err = Failed, err
	}
	if c.server != nil {
		c.server.end(&o)
	}
	return o
}

func (c *Conn) info() (*event.TCPInfo, error) {
	i, err := TCPInfo(c.TCPConn)
	if err != nil {
		return nil, err
	}
	return &i, nil
}

func (c *Conn) exchange(o *Outcome) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+o.Remote.String()+"/health", nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Close = true
	req.Header.Set("User-Agent", "kube-probe/krepro")
	req.Header.Set(headerClient, o.Local.String())
	req.Header.Set(headerTrial, strconv.Itoa(o.Trial))
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if o.Request, err = c.Write(wire.Bytes()); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	o.Sent = event.Now()
	stream := bufio.NewReader(c)
	if err := c.await(stream, o); err != nil {
		return fmt.Errorf("await answer: %w", err)
	}
	resp, err := http.ReadResponse(stream, req)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return checkAnswer(o, resp, string(body), c)
}

// rest bounds the reading of an answer that has begun to come.
const rest = 30 * time.Second

// await returns when the first byte of the answer is there, or the request is stuck.
func (c *Conn) await(stream *bufio.Reader, o *Outcome) error {
	err := c.peek(stream, c.answer)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.control != nil {
		asked := time.Now()
		if err := c.control(); err != nil {
			return fmt.Errorf("%w: %v", errUnanswered, err)
		}
		o.Control = event.Now()
		// On a loaded host one goroutine may be served long before another.
		err = c.peek(stream, max(c.answer, 4*time.Since(asked)))
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

func checkAnswer(o *Outcome, resp *http.Response, body string, rest io.Reader) (err error) {
	if resp.StatusCode == http.StatusConflict {
		return fmt.Errorf("%w: server says: %s", errCrossed, body)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("server answers %s: %s", resp.Status, body)
	}
	if got := resp.Header.Get(headerTrial); got != strconv.Itoa(o.Trial) || body != "ok "+o.Local.String() {
		return fmt.Errorf("%w: trial %d of %s read the answer to trial %s: %q", errCrossed, o.Trial, o.Local, got, body)
	}
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return fmt.Errorf("await end of stream: %w", err)
	}
	if o.Server, err = strconv.ParseUint(resp.Header.Get(headerServer), 10, 64); err != nil {
		return fmt.Errorf("read server's cookie: %w", err)
	}
	return nil
}
