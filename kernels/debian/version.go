package debian

import (
	"cmp"
	"strings"
)

// CompareVersions orders two Debian package versions as dpkg does: epoch,
// upstream version, revision, with "~" before the end of the string.
func CompareVersions(a, b string) int {
	ea, ua, ra := splitVersion(a)
	eb, ub, rb := splitVersion(b)
	return cmp.Or(compareParts(ea, eb), compareParts(ua, ub), compareParts(ra, rb))
}

// Upstream is the mainline version that a Debian version was built from:
// 6.12.94 of 6.12.94-1~bpo12+1, 7.3-rc4 of 7.3~rc4-1~exp1.
func Upstream(version string) string {
	_, upstream, _ := splitVersion(version)
	return strings.Replace(upstream, "~rc", "-rc", 1)
}

// Line is the stable line of a mainline or Debian version: 6.12 of 6.12.94-1.
func Line(version string) string {
	parts := strings.SplitN(strings.SplitN(Upstream(version), "-", 2)[0], ".", 3)
	if len(parts) < 2 {
		return parts[0]
	}
	return parts[0] + "." + parts[1]
}

// OfLine tells whether a mainline version belongs to a line of one, two or
// three numbers: 6.12.94 is of 6, of 6.12 and of 6.12.94, not of 6.1.
func OfLine(upstream, line string) bool {
	rest, ok := strings.CutPrefix(upstream, line)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '-')
}

func splitVersion(v string) (epoch, upstream, revision string) {
	epoch = "0"
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareParts is dpkg's comparison of one part: runs of non-digits by
// character class, runs of digits by value, in turns.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !digit(a[0])) || (b != "" && !digit(b[0])) {
			if c := cmp.Compare(order(a), order(b)); c != 0 {
				return c
			}
			a, b = a[min(1, len(a)):], b[min(1, len(b)):]
		}
		var na, nb string
		na, a = number(a)
		nb, b = number(b)
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); c != 0 {
			return c
		}
	}
	return 0
}

// order ranks the first character: "~", then the end or a digit, then letters,
// then the rest.
func order(s string) int {
	switch {
	case s == "" || digit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0] >= 'A' && s[0] <= 'Z', s[0] >= 'a' && s[0] <= 'z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

// number cuts a leading number off, without its leading zeroes.
func number(s string) (digits, rest string) {
	end := 0
	for end < len(s) && digit(s[end]) {
		end++
	}
	return strings.TrimLeft(s[:end], "0"), s[end:]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
