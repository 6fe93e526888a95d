package netlab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Counters are a namespace's counters by the names of nstat(8): TcpRetransSegs,
// TcpExtTCPChallengeACK, IpFragFails, Icmp6InDestUnreachs, …
type Counters map[string]uint64

// Counters reads them.
func (n *Netns) Counters() (c Counters, err error) {
	c = Counters{}
	err = n.Do(func() error {
		for _, file := range []struct {
			name  string
			parse func(string) (Counters, error)
		}{
			{"/proc/thread-self/net/snmp", parseTable}, {"/proc/thread-self/net/netstat", parseTable}, {"/proc/thread-self/net/snmp6", parseList},
		} {
			text, err := os.ReadFile(file.name)
			if err != nil {
				return fmt.Errorf("read counters: %w", err)
			}
			some, err := file.parse(string(text))
			if err != nil {
				return fmt.Errorf("read counters: %s: %w", file.name, err)
			}
			for name, v := range some {
				c[name] = v
			}
		}
		return nil
	})
	return c, err
}

// Since is by how much each counter has grown since an earlier reading; those
// that have not are left out.
func (c Counters) Since(before Counters) Counters {
	grown := Counters{}
	for name, v := range c {
		if v > before[name] {
			grown[name] = v - before[name]
		}
	}
	return grown
}

// parseTable reads pairs of lines, names and values:
//
//	Tcp: RtoAlgorithm RtoMin
//	Tcp: 1 200
//
// A value may be negative (MaxConn -1): such are no counters, and left out.
func parseTable(text string) (Counters, error) {
	c := Counters{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines)%2 != 0 {
		return nil, fmt.Errorf("%d lines, want pairs", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(names) != len(values) || names[0] != values[0] {
			return nil, fmt.Errorf("line %d: %d names, %d values", i+1, len(names), len(values))
		}
		prefix := strings.TrimSuffix(names[0], ":")
		for j := 1; j < len(names); j++ {
			if v, err := strconv.ParseUint(values[j], 10, 64); err == nil {
				c[prefix+names[j]] = v
			}
		}
	}
	return c, nil
}

// parseList reads lines of a name and a value: Ip6InReceives 0.
func parseList(text string) (Counters, error) {
	c := Counters{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("%q: want a name and a value", strings.TrimSpace(line))
		}
		v, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
		c[fields[0]] = v
	}
	return c, nil
}
