package explain

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// pageFuncs are what the page's templates call.
var pageFuncs = template.FuncMap{
	"blind":      blindTo,
	"counts":     func(n map[string]int) string { return strings.Join(ranked(n), ", ") },
	"difference": func(r Row) string { return string(r.mark()) },
	"dump":       hexDump,
	"ends": func(c event.Connection) map[string]event.Endpoint {
		return map[string]event.Endpoint{AtClient: c.Client, AtServer: c.Server}
	},
	"handler": handlerClass,
	"join":    strings.Join,
	"lasting": lasting,
	"px":      func(v float64) string { return fmt.Sprintf("%.1f", v) },
	"since":   since,
	"stack":   stackAnchor,
}

// since is a span of time with a sign: "+0.412 ms", "−3.020 s".
func since(s float64) string {
	sign := "+"
	if s < 0 {
		sign = "−"
	}
	return sign + lasting(math.Abs(s))
}

// lasting is a span of time: milliseconds below a second.
func lasting(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.3f ms", s*1000)
	}
	return fmt.Sprintf("%.3f s", s)
}

// roughly is a span of time to three digits or so.
func roughly(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", s*1000)
	}
	return fmt.Sprintf("%.2f s", s)
}

// sizeOf is a number of bytes.
func sizeOf(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// hexDump lays out hex digits as bpftool does: 16 bytes a line, in two halves.
func hexDump(digits string) string {
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		switch n := i / 2; {
		case n == 0:
		case n%16 == 0:
			b.WriteString("\n")
		case n%8 == 0:
			b.WriteString("  ")
		default:
			b.WriteString(" ")
		}
		b.WriteString(digits[i:min(i+2, len(digits))])
	}
	return b.String()
}
