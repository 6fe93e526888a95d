package bisect

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"text/tabwriter"

	"github.com/krepro/krepro/vmtest/report"
)

// String is the plan in a line.
func (p Plan) String() string {
	return fmt.Sprintf("the bug shows in %s of %s trials: its rate is at least %s; a good answer rests on %s trials, and there are %d of them at most; confidence %s",
		report.Thousands(p.Failures), report.Thousands(p.Trials), percent(p.Rate), report.Thousands(p.Need), p.Steps+1, sure(p.Confidence))
}

// percent writes a share with two digits that matter.
func percent(p float64) string {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(p*100, 'g', 2, 64), 64) // its own output
	return strconv.FormatFloat(f, 'f', -1, 64) + " %"
}

// sure writes a confidence, never better than it is.
func sure(c float64) string {
	return strconv.FormatFloat(math.Floor(c*10_000+1e-6)/100, 'f', -1, 64) + " %"
}

// says is the step in a line.
func (s Step) says() string {
	switch {
	case s.Same != "":
		return fmt.Sprintf("%s: %s, the same code as %s", s.Kernel.Short(), s.Verdict, short(s.Same))
	case s.Answer == Skip:
		return fmt.Sprintf("%s: %s: %s (%.0f s): passed over", s.Kernel.Short(), s.Verdict, s.Reason, s.Seconds)
	}
	return fmt.Sprintf("%s: %s, %s of %s trials (%.0f s)", s.Kernel.Short(), s.Verdict, report.Thousands(s.Failures), report.Thousands(s.Trials), s.Seconds)
}

// found is the answer in a sentence.
func (r Result) found() string {
	text := r.Find.change() + ": " + r.First[0].String()
	for _, k := range r.Before {
		text += "; before it: " + k.Short()
	}
	return text
}

// maxSubject bounds a subject in the table, in runes.
const maxSubject = 48

// Text is the report for people: each kernel that was asked, the answer, and
// how sure it is.
func Text(r Result) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tKERNEL\tSUBJECT\tIMAGE\tTRIALS\tFAILED\tVERDICT\tSECONDS")
	n := 0
	for _, s := range joined(r.Steps) {
		part := s.Part
		if part == Middle {
			n++
			part = strconv.Itoa(n)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\n", part, s.Kernel.Short(), dash(cut(s.Kernel.Subject)), dash(cutHash(s.Code)),
			report.Thousands(s.Trials), report.Thousands(s.Failures), s.verdict(), s.Seconds)
	}
	w.Flush() // into memory
	fmt.Fprintf(&b, "\n%s\n", r.Text)
	for _, k := range r.First {
		k.describe(&b, len(r.First) > 1)
	}
	if r.Plan != nil {
		fmt.Fprintf(&b, "\n%s\n", *r.Plan)
	}
	if r.Confidence > 0 {
		fmt.Fprintf(&b, "confidence of the answer: %s\n", sure(r.Confidence))
	}
	return b.String()
}

// verdict is the step's cell.
func (s Step) verdict() string {
	if s.Same != "" {
		return fmt.Sprintf("%s, as %s", s.Verdict, short(s.Same))
	}
	return string(s.Verdict)
}

// describe shows what is known of a commit; by its name too where it is one of several.
func (k Kernel) describe(b *bytes.Buffer, named bool) {
	if named {
		fmt.Fprintf(b, "  %s\n", k)
	}
	if !named && k.Author != "" {
		fmt.Fprintf(b, "  commit  %s\n  author  %s, %s\n", k.ID, k.Author, k.Date)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxSubject {
		return string(r[:maxSubject-1]) + "…"
	}
	return s
}

func cutHash(s string) string { return s[:min(len(s), 12)] }
