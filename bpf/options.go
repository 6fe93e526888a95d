package bpf

import (
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/harness/event"
)

// Options is how objects are to be loaded: where the environment names a BTF
// file (event.EnvBTF), offsets come from there instead of from the kernel's own.
func Options() (ebpf.CollectionOptions, error) {
	opts := ebpf.CollectionOptions{Cache: btf.NewCache()}
	path := os.Getenv(event.EnvBTF)
	if path == "" {
		return opts, nil
	}
	types, err := btf.LoadSpec(path)
	if err != nil {
		return opts, fmt.Errorf("load BTF %s: %w", path, err)
	}
	opts.Programs.KernelTypes = types
	return opts, nil
}
