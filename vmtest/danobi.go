package vmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// vmtestConfig is vmtest.toml, as far as it is needed here
// (github.com/danobi/vmtest, docs/config.md).
type vmtestConfig struct {
	Target []vmtestTarget `toml:"target"`
}

type vmtestTarget struct {
	Name       string   `toml:"name"`
	Kernel     string   `toml:"kernel"`
	KernelArgs string   `toml:"kernel_args"`
	Command    string   `toml:"command"`
	VM         vmtestVM `toml:"vm"`
}

type vmtestVM struct {
	CPUs      int      `toml:"num_cpus"`
	Memory    string   `toml:"memory"`
	ExtraArgs []string `toml:"extra_args"`
}

// vmtestFile is vmtest's configuration in the stage.
const vmtestFile = "vmtest.toml"

// vmtestCommand is vmtest's. It would give the guest the host's root to write in:
// hence ro.
func vmtestCommand(m *Machine, s stage) ([]string, error) {
	config := vmtestConfig{[]vmtestTarget{{
		Name:       m.Kernel.Info.Name,
		Kernel:     filepath.Join(s.dir, stageKernel),
		KernelArgs: strings.Join(append([]string{"ro"}, s.line...), " "),
		Command:    s.guest(),
		VM:         vmtestVM{CPUs: m.CPUs, Memory: fmt.Sprintf("%dM", s.memory), ExtraArgs: s.ports},
	}}}
	text, err := toml.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", vmtestFile, err)
	}
	path := filepath.Join(s.dir, vmtestFile)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return nil, fmt.Errorf("write %s: %w", vmtestFile, err)
	}
	return []string{"vmtest", "--config", path}, nil
}
