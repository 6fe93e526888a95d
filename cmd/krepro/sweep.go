package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/sweep"
)

// sweepOptions are the flags of krepro sweep.
type sweepOptions struct {
	name   string // of the map
	delete bool
	json   bool
}

func (e *env) sweepCommand() *cobra.Command {
	var o sweepOptions
	c := &cobra.Command{
		Use:   "sweep --map ID|PATH",
		Short: "Find stale entries of a sockhash on this machine, and delete them",
		Long: `Sweep reads a sockhash of this machine's own kernel, and of each entry the socket
behind it. An entry is stale if its socket has been destroyed: it is dead, without
ports, and nobody holds it, but the kernel left it in the map. A connection with
the same addresses and ports that uses the map then gets stuck.

It changes nothing without --delete. With it, it deletes the stale entries, after
a second look at each in the kernel. It never deletes those that are

  closed    the socket is dead, but a descriptor or an accept queue still holds
            it: close that (docs/sweep.md says why it matters)
  foreign   the socket is alive, and has other ports than the key

nor any whose keys are not those of Cilium's sockops map (44 bytes). Sweep needs
root and Linux 5.10 or newer. It ends with 0 if no stale entry is left, with 1 if
some are.`,
		Example: "  krepro sweep --map /sys/fs/bpf/tc/globals/cilium_sock_ops\n" +
			"  krepro sweep --map 17 --delete\n" +
			"  krepro sweep --map 17 --json | jq '.listed[] | select(.verdict == \"stale\").key'",
		Args: cobra.NoArgs,
		RunE: does(func(context.Context, []string) error { return e.sweep(o) }),
	}
	f := c.Flags()
	f.StringVar(&o.name, "map", "", "the sockhash: its id, or the `PATH` that it is pinned at")
	f.BoolVar(&o.delete, "delete", false, "delete the stale entries")
	f.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	must(c.MarkFlagRequired("map"))
	return c
}

// sweep is krepro sweep.
func (e *env) sweep(o sweepOptions) error {
	r, err := sweepMap(o)
	var bad *sweep.MapError
	if errors.As(err, &bad) {
		return &failure{codeUsage, err}
	}
	if err != nil {
		return err
	}
	if o.json {
		err = e.printJSON(r)
	} else {
		err = printSweep(e.stdout, r, o.delete)
	}
	if err == nil && r.Remaining > 0 {
		return &failure{code: 1}
	}
	return err
}

func sweepMap(o sweepOptions) (r sweep.Report, err error) {
	m, err := sweep.Open(o.name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return m.Sweep(o.delete)
}

// printSweep prints a report as a table and a line that sums it up.
func printSweep(out io.Writer, r sweep.Report, deleted bool) error {
	fmt.Fprintf(out, "sockhash %s, id %d, keys of %d bytes: %d entries\n", r.Name, r.ID, r.KeySize, r.Entries)
	if len(r.Listed) > 0 {
		fmt.Fprintln(out)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "OWN < PEER\tCOOKIE\tSTATE\tSTALE\tDELETED\tWHY\tKEY")
		for _, e := range r.Listed {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s: %s\t%s\n",
				e.Addresses(), e.Cookie, e.State, yesNo(e.Verdict == sweep.Stale), fate(e), e.Verdict, e.Why, e.Key)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	_, err := fmt.Fprintln(out, summary(r, deleted))
	return err
}

// fate says whether an entry was deleted, or why not.
func fate(e sweep.Entry) string {
	switch e.Outcome {
	case sweep.Deleted:
		return "yes"
	case "":
		return "no"
	}
	return "no: " + string(e.Outcome)
}

func summary(r sweep.Report, deleted bool) string {
	text := fmt.Sprintf("%d live, %d stale, %d closed, %d foreign; ", r.Live, r.Stale, r.Closed, r.Foreign)
	switch {
	case !deleted && r.Stale > 0:
		return text + "nothing was deleted (--delete deletes the stale ones)"
	case !deleted:
		return text + "nothing to delete"
	}
	text += fmt.Sprintf("%d deleted, %d stale remain", r.Deleted, r.Remaining)
	if r.Again > 0 {
		text += fmt.Sprintf(", %d of the keys deleted are in use again", r.Again)
	}
	return text
}
