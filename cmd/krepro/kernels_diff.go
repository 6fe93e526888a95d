package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/diff"
	"github.com/krepro/krepro/vmtest"
)

func (e *env) diffCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Say in what two kernels differ: BPF features, tracing, config",
		Long: `Diff compares what two kernels offer to BPF programs (program and map types,
helpers of each program type) and to tracers (hooks, iterators, tracers,
tracepoints, the functions that krepro observes), and their configurations.

What a kernel offers is probed in a VM by the suite features, once: the answers
stay in the cache. - is what only A has, + what only B has, ? what cannot be told
of one of them.`,
		Example: `  krepro kernels diff debian:5.10.218-1 debian:5.10.223-1
  krepro kernels diff --json debian:5.10 debian:6.1 | jq '.sections[] | select(.name == "helpers")'`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeKernels,
		RunE: e.stored(func(ctx context.Context, args []string, s *kernels.Store) error {
			d, err := e.diff(ctx, args, s)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(d)
			}
			_, err = fmt.Fprint(e.stdout, d.Text())
			return err
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of text")
	return c
}

// diff is krepro kernels diff.
func (e *env) diff(ctx context.Context, args []string, s *kernels.Store) (diff.Diff, error) {
	p, err := e.plan(runOptions{kernels: args, suites: []string{featuresSuite}, size: "quick", vm: vmOptions{accel: vmtest.Auto}})
	if err != nil {
		return diff.Diff{}, err
	}
	program, err := hashOf(p.machine.Guest, p.suites[0].Binary)
	if err != nil {
		return diff.Diff{}, err
	}
	var images []*kernels.Image
	for _, ref := range p.refs {
		img, err := s.Get(ctx, ref)
		if err != nil {
			return diff.Diff{}, err
		}
		images = append(images, img)
	}
	k := known{program, func(ctx context.Context, images []*kernels.Image) (map[string][]event.Features, error) {
		return e.probe(ctx, s, p, images)
	}}
	answers, err := k.of(ctx, images)
	if err != nil {
		return diff.Diff{}, err
	}
	a, err := side(images[0], answers)
	if err != nil {
		return diff.Diff{}, err
	}
	b, err := side(images[1], answers)
	return diff.Of(a, b), err
}

// side is an image in the words of package diff.
func side(img *kernels.Image, answers map[string][]event.Features) (diff.Kernel, error) {
	k := diff.Kernel{Info: img.Kernel, Parts: answers[img.ID]}
	if img.Config == "" {
		return k, nil
	}
	config, err := img.ReadConfig()
	k.Config = config
	return k, err
}
