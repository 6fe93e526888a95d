package debian

import (
	"regexp"
	"strings"
)

// Item is one item of a kernel's changelog: as a rule the subject of a commit.
type Item struct {
	Text     string // on one line
	Upstream string // the stable release that it came with, 5.10.222; "" if with none
}

var (
	entryForm  = regexp.MustCompile(`^linux \((\S+)\) `)
	stableForm = regexp.MustCompile(`^ +\S+/ChangeLog-(\S+)$`)
	itemForm   = regexp.MustCompile(`^( +[*-] +)(.*)$`)
)

// Since lists the items of a changelog, newest first, down to the entry of a
// version, which is not included.
func Since(changelog, version string) []Item {
	var items []Item
	upstream, indent := "", ""
	for line := range strings.Lines(changelog) {
		line = strings.TrimRight(line, "\n")
		if m := entryForm.FindStringSubmatch(line); m != nil && CompareVersions(m[1], version) <= 0 {
			break
		}
		if m := stableForm.FindStringSubmatch(line); m != nil {
			upstream = m[1]
			continue
		}
		if m := itemForm.FindStringSubmatch(line); m != nil {
			if strings.HasSuffix(strings.TrimSpace(m[1]), "*") {
				upstream = ""
			}
			items = append(items, Item{m[2], upstream})
			indent = strings.Repeat(" ", len(m[1]))
			continue
		}
		rest, goesOn := strings.CutPrefix(line, indent)
		if goesOn && indent != "" && rest != "" {
			items[len(items)-1].Text += " " + rest
		} else {
			indent = ""
		}
	}
	return items
}
