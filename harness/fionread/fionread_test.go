package fionread

import (
	"bytes"
	"net"
	"testing"
	"time"
)

const limit = 10 * time.Second

// connect makes a TCP connection over the loopback device.
func connect(t *testing.T) (sender, receiver *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	from, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	to, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { to.Close() })
	return from.(*net.TCPConn), to.(*net.TCPConn)
}

func TestAskAfterAwait(t *testing.T) {
	sender, receiver := connect(t)
	if err := Await(receiver, 1, 0); err == nil {
		t.Error("nothing was sent, and a byte can be read")
	}
	if _, err := sender.Write(make([]byte, 3000)); err != nil {
		t.Fatal(err)
	}
	if err := Await(receiver, 3000, limit); err != nil {
		t.Fatal(err)
	}
	if n, err := Ask(receiver); n != 3000 || err != nil {
		t.Errorf("FIONREAD is %d, %v; want 3000", n, err)
	}
}

// The loop hangs where FIONREAD lies, where the buffer was full, and nowhere else.
func TestLoop(t *testing.T) {
	lie := func(int) (int, error) { return 0, nil }
	tests := map[string]struct {
		size int
		ask  func(int) (int, error)
		got  int // bytes before it waits for good
	}{
		"honest, several buffers":   {3000, ask, 3000},
		"honest, full buffers":      {2048, ask, 2048},
		"lies, but a single buffer": {1000, lie, 1000},
		"lies, several buffers":     {3000, lie, 1024},
		"lies, exactly one buffer":  {1024, lie, 1024},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sender, receiver := connect(t)
			sent := bytes.Repeat([]byte("0123456789"), test.size/10+1)[:test.size]
			if _, err := sender.Write(sent); err != nil {
				t.Fatal(err)
			}
			if err := Await(receiver, test.size, limit); err != nil {
				t.Fatal(err)
			}
			l, err := NewLoop(1024)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			l.ask = test.ask
			s, err := l.Add(receiver, test.size)
			if err != nil {
				t.Fatal(err)
			}
			silence := limit // none is awaited where it ends
			if test.got < test.size {
				silence = 50 * time.Millisecond
			}
			hung, err := l.Run(silence)
			if err != nil || (len(hung) > 0) != (test.got < test.size) || !bytes.Equal(s.Got, sent[:test.got]) {
				t.Errorf("read %d bytes, %d streams hang, %v; want %d bytes", len(s.Got), len(hung), err, test.got)
			}
		})
	}
}

// More data wakes a loop that was told there is none.
func TestLoopIsWoken(t *testing.T) {
	sender, receiver := connect(t)
	l, err := NewLoop(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Add(receiver, 2000); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if _, err := sender.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := Await(receiver, 1000, limit); err != nil {
			t.Fatal(err)
		}
		if hung, err := l.Run(100 * time.Millisecond); err != nil || len(hung) != want {
			t.Fatalf("%d streams are open, %v; want %d", len(hung), err, want)
		}
	}
}
