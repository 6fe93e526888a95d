package verdict

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Splat is one complaint of the kernel about itself in its log.
type Splat struct {
	Title string  `json:"title"`          // what it is, without what differs from boot to boot
	Kind  string  `json:"kind"`           // warn, bug, kasan, lockdep, oops, panic, stall, hung-task, trace
	Line  int     `json:"line"`           // in console.log, from 1
	Time  float64 `json:"t"`              // seconds since boot; -1 where the log has no time stamps
	Text  string  `json:"text"`           // the line itself
	Spec  string  `json:"spec,omitempty"` // the spec in whose time it fell
	Count int     `json:"count"`          // how often this title, in the time of this spec
	Case  string  `json:"case,omitempty"` // the case that it shows, if any
}

// How far, in console lines, one complaint reaches.
const (
	reachBlock = 150 // its stack and register dump: no splats of their own
	reachOops  = 12  // from a BUG line to the Oops line that repeats it
	reachRIP   = 40  // to the register dump that names the function
)

// stamp is what printk puts before a message: <level>, time, thread or CPU.
var stamp = regexp.MustCompile(`^(?:<\d+>)?(?:\[\s*(\d+\.\d+)\](?:\[\s*[TC]\d+\])?\s?)?`)

// rip is the line of a register dump that names the function, of any exception level.
var rip = regexp.MustCompile(`^RIP: [0-9a-f]{4}:([\w.]+)\+0x`)

// Scan finds the kernel's complaints in a console log, in the order of the log.
// What looks like one but is known to be harmless is left out (see allowed).
// A console without a single line cannot be scanned: that is an error, not a
// clean bill.
func Scan(console []byte) ([]Splat, error) {
	lines := split(console)
	if len(lines) == 0 {
		return nil, fmt.Errorf("scan console: it is empty")
	}
	var splats []Splat
	last := -reachBlock // the line at which the latest block began
	for i, line := range lines {
		if harmless(line.text) {
			last = i
			continue
		}
		h, title := match(line.text)
		switch {
		case h == nil:
			continue
		case h.within > 0 && i-last <= h.within:
			last = i
			continue // part of what an earlier line has reported
		}
		last = i
		splats = append(splats, Splat{
			Title: strings.Replace(title, "{rip}", function(lines[i:]), 1),
			Kind:  h.kind, Line: line.number, Time: line.time, Text: oneLine(line.text), Count: 1,
		})
	}
	return splats, nil
}

// line is one message of the console.
type line struct {
	number int
	time   float64
	text   string
}

// split cuts a console into messages without their stamps; blank lines are left out.
func split(console []byte) []line {
	var lines []line
	for i, raw := range bytes.Split(console, []byte("\n")) {
		s := strings.TrimRight(string(raw), "\r \t\x00")
		l := line{number: i + 1, time: -1}
		m := stamp.FindStringSubmatch(s)
		if m[1] != "" {
			l.time, _ = strconv.ParseFloat(m[1], 64) // digits, by the pattern
		}
		if l.text = strings.TrimLeft(s[len(m[0]):], " \x00"); l.text != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// match finds the head that a message is, and its title.
func match(text string) (*head, string) {
	for i := range heads {
		h := &heads[i]
		if m := h.re.FindStringSubmatchIndex(text); m != nil {
			return h, normalise(string(h.re.ExpandString(nil, h.title, text, m)))
		}
	}
	return nil, ""
}

func harmless(text string) bool {
	for _, a := range allowed {
		if a.re.MatchString(text) {
			return true
		}
	}
	return false
}

// function names the function that the register dump below a head names.
func function(lines []line) string {
	for _, l := range lines[:min(len(lines), reachRIP)] {
		if m := rip.FindStringSubmatch(l.text); m != nil {
			return normalise(m[1])
		}
	}
	return "unknown function"
}

// What differs between two boots of one bug, or two builds of one kernel.
var unstable = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\+0x[0-9a-f]+(/0x[0-9a-f]+)?`), ""},                             // offset in a function
	{regexp.MustCompile(`\.(?:cold|isra|constprop|part|llvm)(?:\.\d+)*\b`), ""},          // clones the compiler made
	{regexp.MustCompile(`\b([\w./-]+\.[ch]):\d+`), "$1"},                                 // line numbers
	{regexp.MustCompile(`\b(?:0x)?[0-9a-f]{8,16}\b`), "ADDR"},                            // addresses
	{regexp.MustCompile(`\b(CPU|PID|cpu|pid)(#|:? ?)\d+`), "$1"},                         // who it struck
	{regexp.MustCompile(`\bfor \d+s\b|\b\d+ (?:seconds|jiffies|ms)\b`), "for some time"}, // how long
	{regexp.MustCompile(`\s+`), " "},
}

// normalise takes out of a title what is not the bug's own.
func normalise(title string) string {
	for _, u := range unstable {
		title = u.re.ReplaceAllString(title, u.with)
	}
	return oneLine(strings.Trim(title, " .!:"))
}
