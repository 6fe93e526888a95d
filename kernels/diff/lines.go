package diff

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// grouped yields the changes that have a key in common, in the order of their
// first ones.
func grouped(changes []Change, key func(Change) string) iter.Seq2[string, []Change] {
	var order []string
	of := map[string][]Change{}
	for _, c := range changes {
		k := key(c)
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], c)
	}
	return func(yield func(string, []Change) bool) {
		for _, k := range order {
			if !yield(k, of[k]) {
				return
			}
		}
	}
}

// each maps changes to texts.
func each(changes []Change, text func(Change) string) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = text(c)
	}
	return out
}

// width is where lines are broken, in characters.
const width = 100

// wrap breaks a line at spaces; what follows is indented further.
func wrap(line string) string {
	const further = "\n      "
	indent := len(line) - len(strings.TrimLeft(line, " "))
	b := strings.Builder{}
	b.WriteString(line[:indent])
	column := indent
	for i, word := range strings.Split(line[indent:], " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i > 0 && column+1+n > width:
			b.WriteString(further)
			column = len(further) - 1
		case i > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}
