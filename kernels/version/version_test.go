package version

import (
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	ordered := []string{"4.19.325", "5.9.16", "5.10", "5.10.80", "5.10.218", "5.15.3", "5.16-rc1", "5.16-rc10", "5.16", "5.16.1", "6.0-rc1", "6.1.192", "6.12.9", "6.12.117", "7.2.13"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := Compare(parse(t, a), parse(t, b)), sign(i-j); got != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{"5.10.218": "5.10.218", "6.0.0": "6.0", "5.16-rc1": "5.16-rc1"} {
		if got := parse(t, in).String(); got != want {
			t.Errorf("String of %s = %s, want %s", in, got, want)
		}
	}
	if got := parse(t, "6.0-rc1").Line(); got != "6.0" {
		t.Errorf("line of 6.0-rc1 = %s, want 6.0", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "5", "5.10.", "5.10.218-1", "v5.10", "5.10.218-rc1", "6.1.0-56-cloud-amd64", "99999.1", "5.10.218+", " 5.10"} {
		if v, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, v)
		}
	}
}

// FuzzParse checks that what parses survives a round trip.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"5.10.218", "5.16-rc1", "6.0.0", "5.10.218-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(v.String())
		if err != nil || again != v {
			t.Errorf("Parse(%q) = %v, its text %q reads as %v, %v", s, v, v.String(), again, err)
		}
	})
}

func parse(t *testing.T, s string) Version {
	t.Helper()
	v, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(n int) int {
	return slices.Index([]bool{n < 0, n == 0, n > 0}, true) - 1
}
