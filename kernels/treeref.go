package kernels

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Additions to a tree in a reference: +debug, +FILE.config, and any other +FILE
// is a patch.
const (
	debugWord      = "debug"
	fragmentSuffix = ".config"
)

// parseTree reads what follows tree: in DIR@REV+fix.patch+debug. Folders and
// files may have @ and + in their names: the folder is the longest beginning
// that is one, and so is each file. A revision ends at the first +.
func parseTree(text, rest string) (Ref, error) {
	dir, rest := longest(rest, "@+", func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && st.IsDir()
	})
	if dir == "" {
		return Ref{}, &RefError{text, "there is no such folder", "write tree:FOLDER, tree:FOLDER@REVISION or tree:FOLDER@REVISION+FILE.patch"}
	}
	r := Ref{Text: text, Tree: dir}
	if after, ok := strings.CutPrefix(rest, "@"); ok {
		end := strings.IndexByte(after+"+", '+')
		if r.Commit, rest = after[:end], after[end:]; r.Commit == "" {
			return Ref{}, &RefError{text, "there is no revision behind the @", "write one, or leave out the @ to take the files as they lie"}
		}
	}
	return r.parseAdditions(rest)
}

// sourceForm is a package version whose parts behind a + are Debian's own
// (+deb12u1, +b1), so that a patch is none of them.
var sourceForm = regexp.MustCompile(`^\d[A-Za-z0-9.~:]*-[A-Za-z0-9.~]+(\+[a-z]*\d+(u\d+)?)*$`)

// parseDebianSource reads what follows debian-source: in 5.10.223-1+fix.patch.
func parseDebianSource(text, rest string) (Ref, error) {
	version, rest := longest(rest, "+", func(version string) bool {
		return lineForm.MatchString(version) || sourceForm.MatchString(version)
	})
	if version == "" {
		return Ref{}, &RefError{text, strconv.Quote(rest) + " is no kernel version", "write a line (debian-source:5.10) or a package version (debian-source:5.10.223-1)"}
	}
	return Ref{Text: text, DebianSource: version}.parseAdditions(rest)
}

// parseAdditions reads +FILE+FILE….
func (r Ref) parseAdditions(rest string) (Ref, error) {
	for rest != "" {
		var file string
		rest = rest[1:]
		file, rest = longest(rest, "+", func(path string) bool {
			st, err := os.Stat(path)
			return path == debugWord || err == nil && st.Mode().IsRegular()
		})
		switch {
		case file == "":
			name, _, _ := strings.Cut(rest, "+")
			return Ref{}, &RefError{r.Text, "there is no file " + strconv.Quote(name), "behind a + stands a patch, a fragment of a configuration (FILE.config) or the word debug"}
		case file == debugWord:
			r.Debug = true
		case strings.HasSuffix(file, fragmentSuffix):
			r.Fragments = append(r.Fragments, file)
		default:
			r.Patches = append(r.Patches, file)
		}
	}
	return r, nil
}

// longest splits text before one of the separators, or at its end, so that the
// first part is the longest that is wanted; "" if none is.
func longest(text, separators string, wanted func(string) bool) (first, rest string) {
	for end := len(text); end > 0; end = strings.LastIndexAny(text[:end], separators) {
		if wanted(text[:end]) {
			return text[:end], text[end:]
		}
	}
	return "", text
}

// Built tells whether the kernel is to be built from source.
func (r Ref) Built() bool { return r.Tree != "" || r.DebianSource != "" }

// With adds patches, fragments and debugging to what is to be built.
func (r Ref) With(patches, fragments []string, debug bool) Ref {
	r.Patches, r.Fragments = slices.Concat(r.Patches, patches), slices.Concat(r.Fragments, fragments)
	for _, file := range slices.Concat(patches, fragments) {
		r.Text += "+" + file
	}
	if debug && !r.Debug {
		r.Debug, r.Text = true, r.Text+"+"+debugWord
	}
	return r
}
