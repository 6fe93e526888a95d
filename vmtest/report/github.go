package report

import (
	"fmt"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// mostAnnotations is how many errors GitHub shows of one step.
const mostAnnotations = 10

// Annotations are workflow commands that make GitHub show what is not as
// expected beside the run: one for each VM, the last one for all that are left.
func Annotations(results []verdict.Result) []string {
	var out []string
	for _, r := range results {
		var lines []string
		for _, d := range differences(r) {
			lines = append(lines, d.String())
		}
		if len(lines) > 0 {
			out = append(out, annotation("krepro: "+kernel(r), strings.Join(lines, "\n")))
		}
	}
	if more := len(out) - mostAnnotations; more > 0 {
		out = append(out[:mostAnnotations-1], annotation("krepro", fmt.Sprintf("%s more are not as expected", counted(more+1, "VM"))))
	}
	return out
}

func annotation(title, message string) string {
	return fmt.Sprintf("::error title=%s::%s", commandProperty.Replace(title), commandData.Replace(message))
}

// What workflow commands need escaped: a line break would end the command, a
// comma or colon the property.
var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
