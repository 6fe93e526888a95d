package build

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Messages of those that speak in a log: gcc, the assembler, the linker, make.
var (
	ccError   = regexp.MustCompile(`^\S+:\d+(:\d+)?: (fatal error|error|Error): `)
	linkError = regexp.MustCompile(`(undefined reference to|multiple definition of) `)
	makeError = regexp.MustCompile(`^make(\[\d+\])?: \*\*\* `)
)

// What a log has when the machine is at fault, and what is told of it.
var hostFaults = []struct {
	sign *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`No space left on device|Disk quota exceeded`), "the disk is full"},
	{regexp.MustCompile(`Read-only file system|Input/output error`), "the disk fails"},
	{regexp.MustCompile(`Killed signal terminated program|virtual memory exhausted|Cannot allocate memory|out of memory allocating|\*\*\* .* (Killed|Error 137)$|^Killed$|line \d+: +\d+ Killed|terminated with signal 9`), "the machine ran out of memory: build with fewer jobs"},
	{regexp.MustCompile(`internal compiler error: `), "the compiler failed"},
	{regexp.MustCompile(`fork: .*Resource temporarily unavailable|Too many open files`), "the machine has no room for more processes: build with fewer jobs"},
	{regexp.MustCompile(`: [^/ ]+: (command )?not found$|fatal error: (libelf|gelf|zlib|openssl/\S+)\.h: No such file`), "the machine lacks something that the build needs"},
	{regexp.MustCompile(`\*\*\* .* (Terminated|Interrupt|Hangup)$`), "make was stopped"},
}

// hostFault quotes a line that blames the machine; "" if there is none.
func hostFault(log []byte) string {
	for line := range bytes.Lines(log) {
		line = bytes.TrimSpace(line)
		for _, f := range hostFaults {
			if f.sign.Match(line) {
				return f.says + ": " + string(line)
			}
		}
	}
	return ""
}

// maxError bounds the lines that are quoted of an error.
const maxError = 8

// firstError quotes the first error of a log with what follows of it: the lines
// of source that gcc shows. Paths are told from the top of the source; ccache
// makes them relative to the objects.
func firstError(log []byte, src string) string {
	lines := strings.Split(strings.NewReplacer(src+"/", "", "../src/", "").Replace(string(log)), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return tellsMade([]byte(l)) || l == "" })
	for i, line := range lines {
		switch {
		case ccError.MatchString(line):
			return quote(lines[i:], func(l string) bool { return strings.HasPrefix(l, " ") })
		case linkError.MatchString(line):
			if i > 0 && strings.HasSuffix(lines[i-1], "':") { // ld: FILE: in function `NAME':
				return lines[i-1] + "\n" + line
			}
			return line
		}
	}
	for i, line := range lines {
		if makeError.MatchString(line) {
			return strings.TrimSpace(strings.Join(lines[max(0, i-3):i+1], "\n"))
		}
	}
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-maxError):], "\n"))
}

// quote is the first line and those behind it that belong to it.
func quote(lines []string, belongs func(string) bool) string {
	end := 1
	for end < min(len(lines), maxError) && belongs(lines[end]) {
		end++
	}
	return strings.Join(lines[:end], "\n")
}
