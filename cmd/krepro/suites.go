package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/manifest"
)

func (e *env) suitesCommand() *cobra.Command {
	c := &cobra.Command{Use: "suites", Short: "What can be asked of a kernel", Args: cobra.NoArgs,
		Example: "  krepro suites list\n  krepro suites show sockmap",
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the suites, and what each asks", Args: cobra.NoArgs,
			RunE: does(func(context.Context, []string) error { return e.listSuites() }),
		},
		&cobra.Command{
			Use: "show NAME", Short: "Show a suite: what it asks, why, its specs, and what kernels answered",
			Args: cobra.ExactArgs(1), ValidArgsFunction: e.completeSuites,
			RunE: does(func(ctx context.Context, args []string) error { return e.showSuite(ctx, args[0]) }),
		},
	)
	return c
}

func (e *env) listSuites() error {
	all, err := manifest.Find(e.suitesDir())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, s := range all {
		about := s.About
		if s.OnRequest {
			about += " (on request only)"
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Name, about)
	}
	return w.Flush()
}

func (e *env) showSuite(ctx context.Context, name string) error {
	chosen, err := e.chooseSuites([]string{name})
	if err != nil {
		return err
	}
	s := chosen[0]
	specs, err := listSpecs(ctx, s)
	if err != nil {
		return err
	}
	about, err := os.ReadFile(filepath.Join(e.suitesDir(), s.Name+".md"))
	if errors.Is(err, fs.ErrNotExist) {
		about = []byte("# " + s.Name + "\n\n" + s.About + "\n")
	} else if err != nil {
		return fmt.Errorf("read about suite: %w", err)
	}
	fmt.Fprintf(e.stdout, "%s\nNeeds: modules %s; %s\n\n%d specs in default size:\n", about,
		orNone(s.Modules), orNone(s.Config), len(specs))
	for _, spec := range specs {
		fmt.Fprintf(e.stdout, "  %s\n", spec)
	}
	return nil
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, " ")
}

// listSpecs has a suite name its specs, with their labels, by a dry run on the host.
func listSpecs(ctx context.Context, s manifest.Suite) ([]listed, error) {
	dir, err := os.MkdirTemp("", "krepro-specs-")
	if err != nil {
		return nil, fmt.Errorf("list specs: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.json")
	cmd := exec.CommandContext(ctx, s.Binary, "-ginkgo.dry-run", "-ginkgo.json-report="+file)
	cmd.Env = append(os.Environ(), event.EnvSize+"=default")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("list specs of suite %s: %w: %s", s.Name, err, strings.TrimSpace(string(out)))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("list specs of suite %s: %w", s.Name, err)
	}
	return parseSpecs(data)
}

// listed is a spec by its full text, and its labels.
type listed struct {
	text   string
	labels []string
}

func (l listed) String() string {
	if len(l.labels) == 0 {
		return l.text
	}
	return l.text + " [" + strings.Join(l.labels, ", ") + "]"
}

// parseSpecs reads Ginkgo's JSON report.
func parseSpecs(data []byte) ([]listed, error) {
	var reports []struct {
		SpecReports []struct {
			ContainerHierarchyTexts    []string
			ContainerHierarchyLabels   [][]string
			LeafNodeType, LeafNodeText string
			LeafNodeLabels             []string
		}
	}
	if err := json.Unmarshal(data, &reports); err != nil {
		return nil, fmt.Errorf("decode list of specs: %w", err)
	}
	var specs []listed
	for _, r := range reports {
		for _, s := range r.SpecReports {
			if s.LeafNodeType != "It" {
				continue
			}
			l := listed{text: strings.Join(append(s.ContainerHierarchyTexts, s.LeafNodeText), " ")}
			for _, labels := range append(s.ContainerHierarchyLabels, s.LeafNodeLabels) {
				l.labels = append(l.labels, labels...)
			}
			specs = append(specs, l)
		}
	}
	return specs, nil
}
