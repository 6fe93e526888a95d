package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
)

// traceOptions are the flags of krepro trace connect.
type traceOptions struct {
	json     bool
	duration time.Duration
}

func (e *env) traceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "trace",
		Short:   "Trace this machine's own kernel",
		Example: "  krepro trace connect",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(e.traceConnectCommand())
	return c
}

func (e *env) traceConnectCommand() *cobra.Command {
	var o traceOptions
	c := &cobra.Command{
		Use:   "connect",
		Short: "Show TCP connects that fail, as they fail, and SYNs that are sent again",
		Long: `Connect shows each SYN that is sent again and each connect that fails, in every
network namespace of this machine: the 4-tuple, after how long, after how many
retries, with which errno, who called connect(2), and where the kernel was. Without
an errno, the caller closed the socket while it waited. Connects that succeed are
counted only.

It needs root and a kernel with kprobes that is not locked down; krepro shell opens
a guest that has krepro on board. docs/trace.md tells how to read it.`,
		Example: "  krepro trace connect\n  krepro trace connect --duration 1m --json | jq 'select(.errno == \"ETIMEDOUT\")'",
		Args:    cobra.NoArgs,
		RunE:    does(func(ctx context.Context, _ []string) error { return e.traceConnect(ctx, o) }),
	}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON, an event a line, instead of text")
	c.Flags().DurationVar(&o.duration, "duration", 0, "end after so long (default: at Ctrl-C)")
	return c
}

// traceConnect is krepro trace connect. That it is interrupted is its ordinary end.
func (e *env) traceConnect(ctx context.Context, o traceOptions) (err error) {
	if lack := conntrace.Lacks(os.DirFS("/"), os.Geteuid()); lack != "" {
		return fmt.Errorf("trace connects of this machine: it lacks %s", lack)
	}
	t, err := conntrace.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	defer context.AfterFunc(ctx, t.End)()
	fmt.Fprintln(e.stderr, "tracing connects; Ctrl-C ends it")
	show := printConnect
	if o.json {
		show = encodeConnect
	}
	for {
		c, err := t.Read()
		if errors.Is(err, conntrace.ErrEnd) {
			return e.countConnects(t)
		}
		if err == nil {
			err = show(e.stdout, c)
		}
		if err != nil {
			return err
		}
	}
}

func encodeConnect(w io.Writer, c event.Connect) error { return json.NewEncoder(w).Encode(c) }

// printConnect gives the time of day, as other logs have it.
func printConnect(w io.Writer, c event.Connect) error {
	ago := event.Uptime() - time.Duration(c.T*float64(time.Second))
	_, err := fmt.Fprintf(w, "%s  %s\n%s", time.Now().Add(-ago).Format("15:04:05.000"), conntrace.Line(c), conntrace.Trace(c.Stack))
	return err
}

func (e *env) countConnects(t *conntrace.Tracer) error {
	c, err := t.Counters()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d connects sent a SYN, %d were answered; %d failed; %d SYNs were sent again\n", c.Begun, c.Answered, c.Failed, c.Retried)
	if c.Lost > 0 {
		return fmt.Errorf("trace connects: %d connects or events found no room and are missing above", c.Lost)
	}
	return nil
}
