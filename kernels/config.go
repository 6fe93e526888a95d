package kernels

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// Config is a kernel's build configuration: option with CONFIG_ in front to y,
// m, n, or a number or text.
type Config map[string]string

// ShownOptions are the options that matter to the suites and the VM, as
// krepro kernels show lists them.
var ShownOptions = []string{
	"CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_CGROUP_BPF", "CONFIG_BPF_STREAM_PARSER", "CONFIG_NET_SOCK_MSG",
	"CONFIG_DEBUG_INFO_BTF", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS", "CONFIG_BPF_EVENTS", "CONFIG_KALLSYMS_ALL",
	"CONFIG_NET_NS", "CONFIG_VETH", "CONFIG_IPV6", "CONFIG_INET_DIAG", "CONFIG_INET_TCP_DIAG", "CONFIG_INET_DIAG_DESTROY",
	"CONFIG_BLK_DEV_INITRD", "CONFIG_RD_GZIP", "CONFIG_SERIAL_8250_CONSOLE", "CONFIG_SERIAL_8250_RUNTIME_UARTS", "CONFIG_PVH", "CONFIG_MODULES",
	"CONFIG_PREEMPT", "CONFIG_KASAN", "CONFIG_PROVE_LOCKING",
}

// ParseConfig reads a .config: CONFIG_X=value, and "# CONFIG_X is not set".
func ParseConfig(r io.Reader) (Config, error) {
	c := Config{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutSuffix(line, " is not set"); ok {
			c[strings.TrimPrefix(name, "# ")] = "n"
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "CONFIG_") {
			c[name] = strings.Trim(value, `"`)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read kernel config: %w", err)
	}
	if len(c) == 0 {
		return nil, fmt.Errorf("read kernel config: no option in it")
	}
	return c, nil
}

// Get is an option's value, n if the configuration does not know it.
func (c Config) Get(option string) string {
	if v, ok := c[option]; ok {
		return v
	}
	return "n"
}

// Missing lists those of the options that are neither built in nor a module.
func (c Config) Missing(options []string) []string {
	var missing []string
	for _, o := range options {
		if v := c.Get(o); v != "y" && v != "m" {
			missing = append(missing, o)
		}
	}
	return missing
}

// ReadConfig reads the image's configuration.
func (i *Image) ReadConfig() (Config, error) {
	f, err := os.Open(i.Config)
	if err != nil {
		return nil, fmt.Errorf("read kernel config: %w", err)
	}
	defer f.Close()
	return ParseConfig(f)
}
