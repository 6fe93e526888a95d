package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
)

// shown is krepro kernels show.
type shown struct {
	*kernels.Image
	Bytes   map[string]int64  `json:"bytes"`   // size of each file
	Options map[string]string `json:"options"` // config options that matter
}

func (e *env) showCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "show REF", Short: "Show a kernel: release, options that matter, sizes, hash", Args: cobra.ExactArgs(1),
		Example:           "  krepro kernels show debian:5.10.218-1",
		ValidArgsFunction: completeKernels,
		RunE: e.stored(func(ctx context.Context, args []string, s *kernels.Store) error {
			img, err := get(ctx, s, args[0])
			if err != nil {
				return err
			}
			sh, err := look(img)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(sh)
			}
			return e.printKernel(sh)
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of text")
	return c
}

// look reads what an image's own record does not have.
func look(img *kernels.Image) (shown, error) {
	sh := shown{Image: img, Bytes: map[string]int64{}, Options: map[string]string{}}
	for name, path := range map[string]string{"vmlinuz": img.Vmlinuz, "vmlinux": img.Vmlinux, "config": img.Config,
		"System.map": img.SystemMap, "cut BTF": img.BTF} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return sh, fmt.Errorf("look at kernel: %w", err)
		}
		sh.Bytes[name] = info.Size()
	}
	if img.Config == "" {
		return sh, nil
	}
	config, err := img.ReadConfig()
	if err != nil {
		return sh, err
	}
	for _, o := range kernels.ShownOptions {
		sh.Options[o] = config.Get(o)
	}
	return sh, nil
}

func (e *env) printKernel(sh shown) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"release", sh.Release}, {"upstream", sh.Version}, {"package", strings.TrimSpace(sh.Package + " " + sh.Flavour)},
		{"banner", sh.Banner}, {"id", sh.ID}, {"BTF", yesNo(sh.HasBTF)}, {"cached", fmt.Sprintf("%.1f MB", float64(sh.Size)/1e6)},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	for _, line := range builtRows(sh.Image) {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	for _, name := range []string{"vmlinuz", "vmlinux", "config", "System.map", "cut BTF"} {
		if n, ok := sh.Bytes[name]; ok {
			fmt.Fprintf(w, "%s\t%d bytes\n", name, n)
		}
	}
	for _, p := range sh.Packages {
		fmt.Fprintf(w, "made of\t%s sha256:%s\n", p.Name, p.SHA256)
	}
	for _, o := range kernels.ShownOptions {
		if v, ok := sh.Options[o]; ok {
			fmt.Fprintf(w, "%s\t%s\n", o, v)
		}
	}
	return w.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
