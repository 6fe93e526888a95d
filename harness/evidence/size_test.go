package evidence

import "testing"

// The figures that the sizes promise; the last two stand in many a table of
// the "rule of three" for 95 %.
func TestTrialsFor(t *testing.T) {
	for _, c := range []struct {
		p, confidence float64
		want          int
	}{
		{1.0 / 50, 0.99, 228},
		{1.0 / 500, 0.99, 2301},
		{1.0 / 20000, 0.99, 92102},
		{0.01, 0.95, 299},
		{0.1, 0.95, 29},
	} {
		if got := TrialsFor(c.p, c.confidence); got != c.want {
			t.Errorf("TrialsFor(%v, %v) = %d, want %d", c.p, c.confidence, got, c.want)
		}
	}
}
