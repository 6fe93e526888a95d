package bisect

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/stats"
	"github.com/krepro/krepro/vmtest/verdict"
)

// world is a row of simulated kernels.
type world struct {
	kernels []Kernel
	rate    []float64    // of each, per trial
	skips   map[int]bool // cannot be asked
	code    map[int]string
	trials  int // of a round
	rand    *rand.Rand

	boots, asked int
	kept         []Step
	said         []string
	fail         func(boot int) error // a fault of the host
}

// newWorld has n kernels; those from first on have the bug, at a rate, or, to
// find a fix, those before it.
func newWorld(n, first int, find Find, rate float64) *world {
	w := &world{trials: 10, rand: rand.New(rand.NewPCG(1, uint64(n))), skips: map[int]bool{}, code: map[int]string{}}
	for i := range n {
		w.kernels = append(w.kernels, Kernel{ID: fmt.Sprintf("%06x%034x", (i+1)*0x9e37, i), Subject: fmt.Sprintf("change %d", i)})
		w.rate = append(w.rate, 0)
		if (i >= first) == (find == Break) {
			w.rate[i] = rate
		}
	}
	return w
}

func (w *world) at(k Kernel) int {
	return slices.IndexFunc(w.kernels, func(o Kernel) bool { return o.ID == k.ID })
}

func (w *world) try(k Kernel, rounds int, untilFailure bool) (Step, error) {
	w.boots++
	if w.fail != nil {
		if err := w.fail(w.boots); err != nil {
			return Step{}, err
		}
	}
	i := w.at(k)
	if w.skips[i] {
		return Step{Answer: Skip, Verdict: verdict.BuildFail, Reason: "it does not compile"}, nil
	}
	s := Step{Answer: Good, Verdict: verdict.Unaffected}
	for s.Rounds < rounds && !(untilFailure && s.Failures > 0) {
		s.Rounds++
		s.Trials += w.trials
		for range w.trials {
			if w.rand.Float64() < w.rate[i] {
				s.Failures++
			}
		}
	}
	if w.asked += s.Trials; s.Failures > 0 {
		s.Answer, s.Verdict = Bad, verdict.Affected
	}
	return s, nil
}

func (w *world) hunt(find Find) Hunt {
	return Hunt{Find: find, Old: w.kernels[0], New: w.kernels[len(w.kernels)-1], Confidence: 0.99,
		Walk:  &Line{Kernels: w.kernels},
		Build: func(k Kernel) (string, error) { return w.code[w.at(k)], nil },
		Try:   w.try,
		Keep:  func(s Step) error { w.kept = append(w.kept, s); return nil },
		Say:   func(format string, args ...any) { w.said = append(w.said, fmt.Sprintf(format, args...)) },
	}
}

func run1(t *testing.T, h Hunt) Result {
	t.Helper()
	r, err := h.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every place of the change is found in rows of every length, in both
// directions, told or not, and with few trials where the bug always shows.
func TestEveryPlace(t *testing.T) {
	for n := 2; n <= 20; n++ {
		for first := 1; first < n; first++ {
			for _, find := range []Find{Break, Fix} {
				for _, told := range []Find{find, ""} {
					w := newWorld(n, first, find, 1)
					w.trials = 200
					r := run1(t, w.hunt(told))
					if r.Outcome != Found || r.Find != find || r.First[0].ID != w.kernels[first].ID || r.Before[0].ID != w.kernels[first-1].ID {
						t.Fatalf("%d of %d, %s: %s %s %v", first, n, find, r.Outcome, r.Text, r.First)
					}
					if most := 2 + halvings(n-1) + 2 + 1; w.boots > most || r.Confidence < 0.99 {
						t.Errorf("%d of %d: %d boots, want at most %d; confidence %v", first, n, w.boots, most, r.Confidence)
					}
				}
			}
		}
	}
}

// Thousands of bisections of rare bugs: wrong answers are no more frequent than
// the confidence allows, and no answer is the rare exception.
func TestConfidence(t *testing.T) {
	for _, rate := range []float64{0.05, 0.3, 0.9} {
		wrong, none, n := simulate(t, 3000, rate, 0.99)
		if low := stats.Least(wrong, n, 0.999); low > 0.01 {
			t.Errorf("rate %v: %d of %d answers are wrong: above 1 %%", rate, wrong, n)
		}
		if none > n/50 {
			t.Errorf("rate %v: %d of %d found nothing", rate, none, n)
		}
	}
	// The control: who asks for less gets less.
	if wrong, _, n := simulate(t, 3000, 0.05, 0.05); stats.Least(wrong, n, 0.999) < 0.01 {
		t.Errorf("at a confidence of 5 %% no more than %d of %d are wrong: the simulation proves nothing", wrong, n)
	}
}

func simulate(t *testing.T, n int, rate, confidence float64) (wrong, none, all int) {
	t.Helper()
	for i := range n {
		const length = 26
		first := 1 + i%(length-1)
		w := newWorld(length, first, Fix, rate)
		w.rand = rand.New(rand.NewPCG(7, uint64(i)))
		w.trials = 5
		if i%3 == 0 {
			w.skips[1+(first+3)%(length-2)] = true
		}
		h := w.hunt(Fix)
		h.Confidence = confidence
		r := run1(t, h)
		switch {
		case r.Outcome == Range && slices.ContainsFunc(r.First, func(k Kernel) bool { return k.ID == w.kernels[first].ID }):
		case r.Outcome != Found && r.Outcome != Range:
			none++
		case r.Outcome == Range || r.First[0].ID != w.kernels[first].ID:
			wrong++
		}
		if r.Outcome == Found && r.Confidence < confidence {
			t.Fatalf("confidence %v, asked for %v", r.Confidence, confidence)
		}
	}
	return wrong, none, n
}

// Kernels that cannot be asked are passed over; if only such are left, they are
// the answer.
func TestSkips(t *testing.T) {
	w := newWorld(16, 9, Break, 1)
	for _, i := range []int{3, 7, 8, 12} {
		w.skips[i] = true
	}
	r := run1(t, w.hunt(Break))
	var ids []string
	for _, k := range r.First {
		ids = append(ids, k.ID)
	}
	if r.Outcome != Range || r.Code != verdict.CodeSkip || len(ids) != 3 || ids[0] != w.kernels[7].ID || ids[2] != w.kernels[9].ID {
		t.Errorf("%s, code %d: %v; want 7 to 9", r.Outcome, r.Code, ids)
	}
	if w.skips = map[int]bool{3: true, 12: true}; run1(t, w.hunt(Break)).Outcome != Found {
		t.Error("skips beside the change hid it")
	}
}

// Ends that do not differ as they should end it, and are told.
func TestEnds(t *testing.T) {
	tests := []struct {
		name    string
		world   func() *world
		outcome Outcome
		text    string
	}{
		{"wrong way round", func() *world { return newWorld(9, 4, Fix, 1) }, NoChange, "the wrong way round: the old end, 009e37000000 change 0, has the bug (10 of 10 trials), and the new end"},
		{"both bad", func() *world { return newWorld(9, 0, Break, 1) }, NoChange, "both ends have the bug"},
		{"both good", func() *world { return newWorld(9, 9, Break, 1) }, Unsure, "does not show at the new end, 058fef000000 change 8: 0 of 850 trials, so its rate is below 0.54 %"},
		{"new end does not build", func() *world { w := newWorld(9, 4, Break, 1); w.skips[8] = true; return w }, NoChange, "the new end cannot be asked: 058fef000000 change 8: build-fail: it does not compile"},
		{"old end does not build", func() *world { w := newWorld(9, 4, Break, 1); w.skips[0] = true; return w }, NoChange, "the old end cannot be asked"},
		{"the same code", func() *world { w := newWorld(9, 4, Break, 1); w.code[0], w.code[8] = "c", "c"; return w }, NoChange, "both ends are the same code"},
		{"too rare", func() *world { w := newWorld(9, 4, Break, 0.0002); w.trials = 1000; return w }, Unsure, "too rare to tell: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := run1(t, test.world().hunt(Break))
			if r.Outcome != test.outcome || r.Code != verdict.CodeSkip || !strings.Contains(r.Text, test.text) {
				t.Errorf("%s, code %d: %s", r.Outcome, r.Code, r.Text)
			}
		})
	}
}

// A kernel with the code of one that has answered is not booted for it.
func TestSameCode(t *testing.T) {
	w := newWorld(16, 6, Break, 1)
	for i := range w.kernels {
		w.code[i] = fmt.Sprint("code ", i)
	}
	w.code[7] = w.code[15]
	r := run1(t, w.hunt(Break))
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Kernel.ID == w.kernels[7].ID })
	if r.Outcome != Found || r.First[0].ID != w.kernels[6].ID || i < 0 {
		t.Fatalf("%s %s", r.Outcome, r.Text)
	}
	if s := r.Steps[i]; s.Same != w.kernels[15].ID || s.Trials != 0 || s.Answer != Bad {
		t.Errorf("step of 7: %+v", s)
	}
}

// A bad end that passed the last of its boots is bad to kernels with its code.
func TestSameCodeOfARareBug(t *testing.T) {
	w := newWorld(16, 6, Break, 1)
	w.code[15], w.code[7] = "c", "c"
	ends := 0
	h := w.hunt(Break)
	h.Try = func(k Kernel, rounds int, until bool) (Step, error) {
		if w.at(k) == 15 {
			if ends++; ends > 1 {
				return Step{Answer: Good, Verdict: verdict.Unaffected, Rounds: 1, Trials: 10}, nil
			}
		}
		return w.try(k, 1, until)
	}
	r := run1(t, h)
	if r.Outcome != Found || r.First[0].ID != w.kernels[6].ID || ends < 2 {
		t.Errorf("%s after %d boots of the end: %s", r.Outcome, ends, r.Text)
	}
}

// The change and what is before it are asked again, and must come out as before.
func TestAgain(t *testing.T) {
	w := newWorld(4, 2, Break, 1)
	h := w.hunt(Break)
	h.Try = func(k Kernel, rounds int, until bool) (Step, error) {
		if w.boots == 5 { // of the one before, the second time
			w.rate[1] = 1
		}
		return w.try(k, rounds, until)
	}
	r := run1(t, h)
	if r.Outcome != Unsure || r.Code != verdict.CodeSkip || !strings.Contains(r.Text, "change 1 came out otherwise") {
		t.Errorf("%s: %s", r.Outcome, r.Text)
	}
}

// stubWalk is a history in which the change has a parent that nobody asked.
type stubWalk struct{ first, before Kernel }

func (s stubWalk) Start() (Place, error) {
	return Place{Left: 1, First: []Kernel{s.first}, Before: []Kernel{s.before}}, nil
}
func (s stubWalk) Tell(Kernel, Side) (Place, error) { return s.Start() }

// A change that changes nothing is none.
func TestNoCulprit(t *testing.T) {
	w := newWorld(3, 2, Break, 1)
	w.code[1], w.code[2] = "c", "c"
	h := w.hunt(Break)
	h.Walk = stubWalk{w.kernels[2], w.kernels[1]}
	if r := run1(t, h); r.Outcome != NoCulprit || r.Code != verdict.CodeSkip || !strings.Contains(r.Text, "are the same code") {
		t.Errorf("%s: %s", r.Outcome, r.Text)
	}
}

// Stopped after every boot and begun anew, a hunt asks nothing twice and comes
// to the same end.
func TestResume(t *testing.T) {
	whole := newWorld(20, 13, Fix, 1)
	want := run1(t, whole.hunt(Fix))
	stop := errors.New("no space left on device")
	w := newWorld(20, 13, Fix, 1)
	var done []Step
	for attempt := 1; ; attempt++ {
		boots := 0
		w.fail = func(int) error {
			if boots++; boots > 1 {
				return stop
			}
			return nil
		}
		w.kept = nil
		h := w.hunt(Fix)
		h.Done = done
		r, err := h.Run()
		if done = append(done, w.kept...); len(done) != len(r.Steps) {
			t.Fatalf("%d steps kept, %d in the result", len(done), len(r.Steps))
		}
		if err == nil {
			if Text(r) != Text(want) || attempt < 5 {
				t.Errorf("after %d attempts:\n%s\nin one:\n%s", attempt, Text(r), Text(want))
			}
			break
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	if len(done) != len(want.Steps) {
		t.Errorf("%d boots, in one go %d", len(done), len(want.Steps))
	}
	other := newWorld(20, 13, Fix, 1).hunt(Break)
	other.Done = done
	if _, err := other.Run(); err == nil || !strings.Contains(err.Error(), "its next step was old end") {
		t.Errorf("steps of another hunt: %v", err)
	}
}

// A bug that crashes shows once in a boot: a few boots must do for its rate,
// and a good answer is that many rounds.
func TestCrash(t *testing.T) {
	w := newWorld(9, 4, Break, 1)
	h := w.hunt(Break)
	h.Try = func(k Kernel, rounds int, until bool) (Step, error) {
		w.boots++
		if w.rate[w.at(k)] > 0 {
			return Step{Answer: Bad, Verdict: verdict.Crash, Rounds: 1, Trials: 1, Failures: 1}, nil
		}
		return Step{Answer: Good, Verdict: verdict.Unaffected, Rounds: rounds, Trials: rounds}, nil
	}
	if r := run1(t, h); r.Outcome != Found || r.Confidence < 0.99 || w.boots != 8+1+3+2 {
		t.Errorf("%s after %d boots, confidence %v", r.Outcome, w.boots, r.Confidence)
	}
}
