package report

import (
	"math"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The p-values by fractions.
func TestRates(t *testing.T) {
	a := rated("6.1.1", [2]int{50, 50}, [2]int{0, 2000}, [2]int{3, 4}, [2]int{2, 60})
	b := rated("6.1.2", [2]int{0, 50}, [2]int{0, 2000}, [2]int{1, 4}, [2]int{12, 60})
	want := `A  6.1.1
B  6.1.2

rates differ in 2 of 4 specs that both answered (p below 0.05 by Fisher's exact test,
two-sided, corrected for 4 by Holm)

A                      B                     P        SPEC
50/50 (93 % to 100 %)  0/50 (below 5.8 %)    7.9e-29  s: a
2/60 (0.41 % to 12 %)  12/60 (11 % to 32 %)  0.025    s: d
`
	if got := Rates(a, b); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Holm's correction by hand: p times how many are not yet decided, never less
// than the one before it, never above 1.
func TestCompareCorrects(t *testing.T) {
	a := rated("a", [2]int{50, 50}, [2]int{3, 4}, [2]int{1, 4})
	b := rated("b", [2]int{0, 50}, [2]int{1, 4}, [2]int{1, 4})
	got := Compare(a, b)
	for i, want := range []float64{3 * got[0].P, 2 * 0.4857143, 1} {
		if math.Abs(got[i].Holm-want) > 1e-6 {
			t.Errorf("%s: %v, want %v", got[i].Spec, got[i].Holm, want)
		}
	}
}

// Runs of a spec that differ count together; what was not answered, or not by
// both, is not compared.
func TestCompareWhatBothAnswered(t *testing.T) {
	a, b := rated("a", [2]int{1, 10}, [2]int{2, 10}, [2]int{3, 10}, [2]int{0, 0}), rated("b", [2]int{0, 10}, [2]int{0, 10})
	a[0].Suites[0].Specs[1].Name = "a"
	b[0].Suites[0].Specs[1].Verdict = verdict.Crash
	got := Compare(a, b)
	if len(got) != 1 || got[0].A != verdict.RateOf(3, 20) || got[0].B != verdict.RateOf(0, 10) {
		t.Errorf("got %+v, want spec a alone, 3 of 20 against 0 of 10", got)
	}
}

func TestAllRates(t *testing.T) {
	golden(t, "rates.txt", []byte(AllRates(judged(t, "affected", "unaffected", "untestable-config"))))
}
