package callgraph

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// settings are files of tracefs that were changed, with what to write into them
// to have them as before. The zero value is ready for use.
type settings []struct{ path, before string }

// set writes a setting and remembers what it was.
func (s *settings) set(path, value string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read tracer setting: %w", err)
	}
	*s = append(*s, struct{ path, before string }{path, chosen(string(text))})
	return write(path, value)
}

// undo restores what was set, last first.
func (s *settings) undo() error {
	var errs []error
	for _, was := range slices.Backward(*s) {
		errs = append(errs, write(was.path, was.before))
	}
	*s = nil
	return errors.Join(errs...)
}

// chosen is what to write for a setting that reads as text: one word, one of
// several as in "local [boot] mono", one with a remark as in
// "7 (expanded: 1408)", or a remark alone as in "#### all functions enabled ####".
func chosen(text string) string {
	if _, rest, ok := strings.Cut(text, "["); ok {
		text, _, _ = strings.Cut(rest, "]")
	}
	words := strings.Fields(text)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return ""
	}
	return words[0]
}

func write(path, value string) error {
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("write tracer setting %q: %w", value, err)
	}
	return nil
}

// appendLine adds a line to a file that is a list.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}
