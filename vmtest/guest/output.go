package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/krepro/krepro/harness/event"
)

const (
	outputChunk = 7 << 10   // bytes of text in one record; the writer cuts texts above 8 KiB
	outputLimit = 256 << 10 // bytes of a suite that are streamed; of the rest only the end is kept
	outputPause = 20 * time.Millisecond
)

// forward streams what a suite prints as Output records until the pipe has no
// writer left. The channel it returns closes then.
func forward(control *event.Writer, suite string, out *os.File, ended <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer out.Close()
		err := protect(func() error {
			o := output{send: func(text []byte) error {
				return control.Write(event.Record{Kind: event.Output, Suite: suite, Text: string(text)})
			}}
			return o.copy(out, ended)
		})
		if err != nil {
			complain(control, fmt.Errorf("forward output of suite %s: %w", suite, err))
		}
	}()
	return done
}

// output cuts a stream into records: whole lines where it can, and of a stream
// that never stops the start and the end.
type output struct {
	send func([]byte) error

	pending []byte
	sent    int
	dropped int
}

// copy reads r to its end. After each read it pauses, so that many small writes
// become one record; once ended is closed there is nothing to wait for.
func (o *output) copy(r io.Reader, ended <-chan struct{}) error {
	buf := make([]byte, outputChunk)
	for {
		n, err := r.Read(buf)
		o.pending = append(o.pending, buf[:n]...)
		if err == io.EOF {
			return o.finish()
		}
		if err != nil {
			return err
		}
		if err := o.flush(); err != nil {
			return err
		}
		select {
		case <-ended:
		case <-time.After(outputPause):
		}
	}
}

// flush sends the whole lines that are pending, or all of a chunk without any.
func (o *output) flush() error {
	if o.sent >= outputLimit {
		if extra := len(o.pending) - outputChunk; extra > 0 {
			o.pending = o.pending[extra:]
			o.dropped += extra
		}
		return nil
	}
	for {
		text := o.pending[:min(len(o.pending), outputChunk)]
		cut := bytes.LastIndexByte(text, '\n') + 1
		if cut == 0 && len(text) == outputChunk {
			cut = len(text)
		}
		if cut == 0 {
			return nil
		}
		if err := o.send(text[:cut]); err != nil {
			return err
		}
		o.sent += cut
		o.pending = o.pending[cut:]
	}
}

func (o *output) finish() error {
	if o.dropped > 0 {
		if err := o.send(fmt.Appendf(nil, "\n[%d bytes left out]\n", o.dropped)); err != nil {
			return err
		}
	}
	o.sent = 0
	if err := o.flush(); err != nil || len(o.pending) == 0 {
		return err
	}
	return o.send(o.pending)
}
