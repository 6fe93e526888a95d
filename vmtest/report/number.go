package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Thousands writes 1234567 as 1,234,567.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent writes a share with two significant digits: 0.0012957 as 0.13 %.
func percent(p float64) string {
	s := strconv.FormatFloat(p*100, 'g', 2, 64)
	if strings.Contains(s, "e") {
		f, _ := strconv.ParseFloat(s, 64) // its own output
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s + " %"
}

// Reach says how much a count of trials tells: of no failure the highest rate
// that could have hidden, of some the range that the rate is in.
func Reach(r verdict.Rate) string {
	if r.Trials == 0 {
		return "no trials"
	}
	return fmt.Sprintf("%s of %s; rate %s (95 %%)", Thousands(r.Failures), counted(r.Trials, "trial"), bounds(r))
}

// bounds are the ends of a rate's interval: "below 0.13 %", "1.3 % to 17 %".
func bounds(r verdict.Rate) string {
	if r.Failures == 0 {
		return "below " + percent(r.High)
	}
	return percent(r.Low) + " to " + percent(r.High)
}

// counted is "1 trial", "2,310 trials".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Thousands(n) + " " + noun
}
