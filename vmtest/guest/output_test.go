package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pour runs text through an output in pieces of n bytes.
func pour(t *testing.T, text string, n int) []string {
	t.Helper()
	var sent []string
	o := output{send: func(p []byte) error {
		sent = append(sent, string(p))
		return nil
	}}
	r, w := io.Pipe()
	go func() {
		defer w.Close()
		for len(text) > 0 {
			piece := text[:min(n, len(text))]
			text = text[len(piece):]
			io.WriteString(w, piece)
		}
	}()
	ended := make(chan struct{})
	close(ended)
	if err := o.copy(r, ended); err != nil {
		t.Fatal(err)
	}
	return sent
}

func TestOutputKeepsLinesWhole(t *testing.T) {
	sent := pour(t, "• one\n• two\nthree", 4)
	if got := strings.Join(sent, "|"); got != "• one\n|• two\n|three" {
		t.Errorf("sent %q", got)
	}
}

func TestOutputOfALineWithoutEnd(t *testing.T) {
	text := strings.Repeat("x", 3*outputChunk+5)
	sent := pour(t, text, 1000)
	if strings.Join(sent, "") != text {
		t.Error("text was changed")
	}
	for _, s := range sent {
		if len(s) > outputChunk {
			t.Errorf("a record has %d bytes of text", len(s))
		}
	}
}

func TestOutputWithoutEndKeepsBothEnds(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	all := strings.Join(pour(t, text.String(), 4000), "")
	if len(all) > outputLimit+3*outputChunk {
		t.Errorf("%d bytes were sent", len(all))
	}
	for _, want := range []string{"line 0\n", "line 99999\n", " bytes left out]\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing", want)
		}
	}
	var left int
	_, note, _ := strings.Cut(all, "\n[")
	if _, err := fmt.Sscanf(note, "%d bytes left out]", &left); err != nil {
		t.Fatal(err)
	}
	if noteSize := len(fmt.Sprintf("\n[%d bytes left out]\n", left)); len(all)-noteSize+left != text.Len() {
		t.Errorf("sent %d and left out %d of %d bytes", len(all)-noteSize, left, text.Len())
	}
}

func TestExitRecord(t *testing.T) {
	// wait status as in wait(2): exit code in the second byte, signal in the first
	if rec := exitRecord("s", unix.WaitStatus(3<<8), 0); rec.Code != 3 || rec.Signal != "" {
		t.Errorf("exit with 3 is %+v", rec)
	}
	if rec := exitRecord("s", unix.WaitStatus(unix.SIGKILL), 0); rec.Code != 0 || rec.Signal != "killed" {
		t.Errorf("SIGKILL is %+v", rec)
	}
}
