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
	trials := "trials"
	if r.Trials == 1 {
		trials = "trial"
	}
	count := fmt.Sprintf("%s of %s %s", Thousands(r.Failures), Thousands(r.Trials), trials)
	switch {
	case r.Trials == 0:
		return "no trials"
	case r.Failures == 0:
		return fmt.Sprintf("%s; rate below %s (95 %%)", count, percent(r.High))
	}
	return fmt.Sprintf("%s; rate %s to %s (95 %%)", count, percent(r.Low), percent(r.High))
}
