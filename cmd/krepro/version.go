package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (e *env) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print krepro's version", Args: cobra.NoArgs,
		RunE: does(func(context.Context, []string) error {
			_, err := fmt.Fprintf(e.stdout, "krepro %s (%s)\n", version(), runtime.Version())
			return err
		}),
	}
}

// version is the module's version, or the commit that this was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	v := set["vcs.revision"]
	if v == "" {
		return "unknown"
	}
	if set["vcs.modified"] == "true" {
		v += "+modified"
	}
	return v
}
