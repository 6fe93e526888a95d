package kernels

import (
	"reflect"
	"strings"
	"testing"
)

const someConfig = `#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_BPF_SYSCALL=y
CONFIG_VETH=m
# CONFIG_MPTCP is not set
CONFIG_HZ=250
CONFIG_LOCALVERSION="-cloud=x"
CONFIG_CMDLINE=""
`

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig(strings.NewReader(someConfig))
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{
		"CONFIG_BPF_SYSCALL": "y", "CONFIG_VETH": "m", "CONFIG_MPTCP": "n",
		"CONFIG_HZ": "250", "CONFIG_LOCALVERSION": "-cloud=x", "CONFIG_CMDLINE": "", "CONFIG_NEVER_HEARD_OF": "n",
	} {
		if got := c.Get(option); got != want {
			t.Errorf("Get(%s) = %q, want %q", option, got, want)
		}
	}
	wanted := []string{"CONFIG_BPF_SYSCALL", "CONFIG_MPTCP", "CONFIG_VETH", "CONFIG_BPF_STREAM_PARSER"}
	if got, want := c.Missing(wanted), []string{"CONFIG_MPTCP", "CONFIG_BPF_STREAM_PARSER"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Missing = %v, want %v", got, want)
	}
	if got := c.Missing([]string{"CONFIG_VETH"}); got != nil {
		t.Errorf("Missing = %v, want none", got)
	}
}

// A file that is no configuration would make every kernel untestable.
func TestParseConfigRefusesOther(t *testing.T) {
	for _, text := range []string{"", "<html>not found</html>\n"} {
		if _, err := ParseConfig(strings.NewReader(text)); err == nil {
			t.Errorf("ParseConfig(%q) has no error", text)
		}
	}
}
