package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// every is the name of each folder of package verdict's test data.
func every(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "verdict", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestMatrix(t *testing.T) { golden(t, "matrix.txt", []byte(Matrix(judged(t, folders...)))) }

// Whatever makes a kernel's exit code stands below the matrix, and nothing else.
func TestDifferencesMakeTheCode(t *testing.T) {
	clean := 0
	for _, folder := range every(t) {
		r := judged(t, folder)[0]
		var codes []int
		for _, d := range differences(r) {
			code := d.Bisect
			if strings.Contains(d.how, "unexpected") {
				code = verdict.CodeBad // also a pass
			}
			codes = append(codes, code)
		}
		if got := verdict.Worst(codes...); got != r.Code {
			t.Errorf("%s: differences %v make code %d, want %d", folder, differences(r), got, r.Code)
		}
		if r.Code == verdict.CodeGood {
			clean++
		}
	}
	if clean == 0 {
		t.Error("none of the folders is clean")
	}
}

// A matrix that is wider than a page goes on below, kernels first.
func TestMatrixOfManyCases(t *testing.T) {
	r := verdict.Result{Kernel: event.Kernel{Release: "6.1.0"}}
	for _, name := range []string{"one", "two-words", "three", "four", "five", "six", "seven", "eight", "nine"} {
		r.Cases = append(r.Cases, verdict.Case{Name: name, Judgement: verdict.Judgement{Verdict: verdict.Unaffected}, Met: true})
	}
	alone := verdict.Result{Kernel: event.Kernel{Release: "6.1.0", Alone: "x"}}
	alone.Cases = []verdict.Case{{Name: "ten", Judgement: verdict.Judgement{Verdict: verdict.Affected, Reason: "it is"}, Expect: verdict.Unaffected}}
	want := `                    two
KERNEL  one         words       three       four        five        six         seven       eight       nine
6.1.0   unaffected  unaffected  unaffected  unaffected  unaffected  unaffected  unaffected  unaffected  unaffected

KERNEL  ten        SPECS  SECONDS
6.1.0   affected!  0/0    -+-

affected    has the bug
unaffected  asked, and free of it
!           not as expected

not as expected:
  6.1.0 ~x
    ten: affected, unexpected failure (unaffected is expected): it is
`
	if got := Matrix([]verdict.Result{r, alone}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMatrixOfNothing(t *testing.T) {
	want := "KERNEL  SPECS  SECONDS\n\n\nnothing was asked\n"
	if got := Matrix(nil); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
