// Package configs is the configuration that kernels are built with: fragments of
// options on top of the kernel's own tinyconfig, one option a line with its
// reason, and the check that all of them survived. It is pure.
package configs

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed *.config
var files embed.FS

// Fragment is a file of options.
type Fragment struct {
	Name    string
	Options []Option
}

// Option is a line of a fragment: CONFIG_X, and y, n, a number or a text in quotes.
type Option struct{ Name, Value string }

// String is the option as a .config has it.
func (o Option) String() string {
	if o.Value == "n" {
		return "# " + o.Name + " is not set"
	}
	return o.Name + "=" + o.Value
}

// Standard are krepro's own fragments.
func Standard(debug bool) ([]Fragment, error) {
	names := []string{"base.config", "x86_64.config"}
	if debug {
		names = append(names, "debug.config")
	}
	var all []Fragment
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read fragment: %w", err)
		}
		f, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

var (
	set   = regexp.MustCompile(`^(CONFIG_\w+)=("(?:[^"\\]|\\.)*"|[^\s"#]+)\s*(?:#.*)?$`)
	unset = regexp.MustCompile(`^# (CONFIG_\w+) is not set$`)
)

// Parse reads a fragment. Comments may stand behind an option too.
func Parse(name, text string) (Fragment, error) {
	f := Fragment{Name: name}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if m := unset.FindStringSubmatch(line); m != nil {
			f.Options = append(f.Options, Option{m[1], "n"})
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := set.FindStringSubmatch(line)
		if m == nil {
			return f, fmt.Errorf("%s:%d: %q is no option: write CONFIG_NAME=y, =n, a number or a text in quotes", name, number, line)
		}
		if m[2] == "m" {
			return f, fmt.Errorf("%s:%d: %s cannot be a module, modules are not built: write =y", name, number, m[1])
		}
		f.Options = append(f.Options, Option{m[1], m[2]})
	}
	if len(f.Options) == 0 {
		return f, fmt.Errorf("%s: there is no option in it", name)
	}
	return f, nil
}

// Lines are the options of fragments as a .config has them; of an option that
// stands in several, the last counts.
func Lines(fragments []Fragment) string {
	var b strings.Builder
	for _, f := range fragments {
		for _, o := range f.Options {
			fmt.Fprintln(&b, o)
		}
	}
	return b.String()
}

// Options are the options of a .config without its comments, one a line.
func Options(config string) string {
	var b strings.Builder
	for line := range strings.Lines(config) {
		if strings.HasPrefix(line, "CONFIG_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Lost says of the first option that is not as a fragment wants it what became
// of it; "" if all are. final has the built configuration's values, without
// quotes; ok tells whether the kernel knows the option.
func Lost(fragments []Fragment, final func(option string) (value string, ok bool)) string {
	last := map[string]string{} // option to fragment
	for _, f := range fragments {
		for _, o := range f.Options {
			last[o.Name] = f.Name
		}
	}
	for _, f := range fragments {
		for i, o := range f.Options {
			got, ok := final(o.Name)
			if !ok {
				got = "n"
			}
			if got == strings.Trim(o.Value, `"`) || last[o.Name] != f.Name || again(f.Options[i+1:], o.Name) {
				continue
			}
			became := "became " + got
			if !ok {
				became = "is gone: this kernel does not know it, or what it depends on is missing"
			} else if got == "n" {
				became = "became n: what it depends on is missing"
			}
			return fmt.Sprintf("%s=%s of %s %s", o.Name, o.Value, f.Name, became)
		}
	}
	return ""
}

// again tells whether an option is among others.
func again(options []Option, name string) bool {
	for _, o := range options {
		if o.Name == name {
			return true
		}
	}
	return false
}
