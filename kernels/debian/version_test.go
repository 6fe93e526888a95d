package debian

import "testing"

func TestCompareVersions(t *testing.T) {
	ascending := [][2]string{
		{"6.12.94-1", "6.12.100-1"},
		{"5.10.218-1", "5.10.223-1"},
		{"6.12.94-1~bpo12+1", "6.12.94-1"},
		{"6.12.117-1~deb12u1", "6.12.117-1"},
		{"6.12.115-1", "6.12.115-2"},
		{"6.12.115-2~deb12u1", "6.12.115-2"},
		{"6.1.106-3", "6.1.106-3+deb12u1"},
		{"7.3~rc4-1~exp1", "7.3~rc4-1"},
		{"7.3~rc4-1", "7.3-1"},
		{"7.3~rc4-1", "7.3~rc10-1"},
		{"9.9-1", "1:1.0-1"},
		{"1.0", "1.0-1"},
		{"1.0a", "1.0+"},
	}
	for _, c := range ascending {
		if got := CompareVersions(c[0], c[1]); got >= 0 {
			t.Errorf("CompareVersions(%s, %s) = %d, want < 0", c[0], c[1], got)
		}
		if got := CompareVersions(c[1], c[0]); got <= 0 {
			t.Errorf("CompareVersions(%s, %s) = %d, want > 0", c[1], c[0], got)
		}
	}
	for _, c := range [][2]string{{"6.1.170-3", "6.1.170-3"}, {"1.01", "1.1"}, {"0:1.0", "1.0"}} {
		if got := CompareVersions(c[0], c[1]); got != 0 {
			t.Errorf("CompareVersions(%s, %s) = %d, want 0", c[0], c[1], got)
		}
	}
}

func TestUpstream(t *testing.T) {
	for _, c := range []struct{ version, upstream, line string }{
		{"5.10.218-1", "5.10.218", "5.10"},
		{"6.12.94-1~bpo12+1", "6.12.94", "6.12"},
		{"6.12.117-1~deb12u1", "6.12.117", "6.12"},
		{"7.3~rc4-1~exp1", "7.3-rc4", "7.3"},
		{"7.0-1", "7.0", "7.0"},
		{"6.1.192", "6.1.192", "6.1"},
	} {
		if got := Upstream(c.version); got != c.upstream {
			t.Errorf("Upstream(%s) = %s, want %s", c.version, got, c.upstream)
		}
		if got := Line(c.version); got != c.line {
			t.Errorf("Line(%s) = %s, want %s", c.version, got, c.line)
		}
	}
}

func TestOfLine(t *testing.T) {
	for _, c := range []struct {
		upstream, line string
		want           bool
	}{
		{"6.12.94", "6.12", true}, {"6.12.94", "6", true}, {"6.12.94", "6.12.94", true},
		{"7.3-rc4", "7.3", true}, {"7.0", "7.0", true},
		{"6.12.94", "6.1", false}, {"6.12.94", "6.12.9", false}, {"5.10.218", "5.1", false},
	} {
		if got := OfLine(c.upstream, c.line); got != c.want {
			t.Errorf("OfLine(%s, %s) = %t, want %t", c.upstream, c.line, got, c.want)
		}
	}
}
