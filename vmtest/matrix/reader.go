package matrix

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reader reads nodes of a file and gathers what is wrong with them.
type reader struct {
	name   string
	known  Known
	faults []error
}

func (r *reader) err() error { return errors.Join(r.faults...) }

// fault notes a mistake at a node. What is said is one line.
func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.name, n.Line, n.Column, text))
}

// mapping reads the fields of a mapping, and tells whether those that must be
// there are.
func (r *reader) mapping(n *yaml.Node, what string, must []string, fields map[string]func(*yaml.Node)) bool {
	n = target(n)
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s is a mapping; write FIELD: VALUE", what)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := fields[key.Value]
		switch {
		case read == nil:
			r.fault(key, "%s has no field %q%s", what, key.Value, nearest(key.Value, sortedKeys(fields)))
		case seen[key.Value]:
			r.fault(key, "%s stands twice; leave one", key.Value)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
	whole := true
	for _, key := range must {
		if !seen[key] {
			r.fault(n, "%s needs %s", what, key)
			whole = false
		}
	}
	return whole
}

// list reads the entries of a list, at least one.
func (r *reader) list(n *yaml.Node, what string, entry func(*yaml.Node)) {
	n = target(n)
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fault(n, "%s is a list; write an entry behind each -", what)
		return
	}
	for _, item := range n.Content {
		entry(target(item))
	}
}

// names reads a list of known names, each once.
func (r *reader) names(n *yaml.Node, what string, known []string) (names []string) {
	r.list(n, what+"s", func(n *yaml.Node) {
		name := r.word(n, known)
		if slices.Contains(names, name) {
			r.fault(n, "%s %s stands twice; leave one", what, name)
		}
		names = append(names, name)
	})
	return names
}

// text reads a string that is not empty; "" after a fault. What YAML takes for
// something else (6.1, a day) is text as it is written if its tag is allowed.
func (r *reader) text(n *yaml.Node, allowed ...string) string {
	n = target(n)
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || n.Tag != "!!str" && !slices.Contains(allowed, n.Tag) {
		r.fault(n, "want a text; put it in quotes if it is one")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// word reads one of some words.
func (r *reader) word(n *yaml.Node, words []string) string {
	text := r.text(n)
	if text != "" && !slices.Contains(words, text) {
		r.fault(n, "%q is none of %s%s", text, strings.Join(words, ", "), nearest(text, words))
	}
	return text
}

func (r *reader) form(n *yaml.Node, form *regexp.Regexp, want string) string {
	text := r.text(n)
	if text != "" && !form.MatchString(text) {
		r.fault(n, "%q is not %s", text, want)
	}
	return text
}

func (r *reader) number(n *yaml.Node, least, most int) int {
	n = target(n)
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || v < least || v > most {
		r.fault(n, "want a number from %d to %d", least, most)
		return 0
	}
	return v
}

func (r *reader) duration(n *yaml.Node) time.Duration {
	text := r.text(n)
	d, err := time.ParseDuration(text)
	if text != "" && (err != nil || d <= 0) {
		r.fault(n, "%q is no time; write 90s, 15m or 4h", text)
	}
	return d
}

func (r *reader) date(n *yaml.Node) string {
	text := r.text(n, "!!timestamp")
	if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
		r.fault(n, "%q is no day; write 2027-03-31", text)
	}
	return text
}

// target is the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
