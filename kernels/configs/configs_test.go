package configs

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	f, err := Parse("my.config", `# comment
CONFIG_A=y # because
CONFIG_B=17
CONFIG_C="a # b" # text
# CONFIG_D is not set
CONFIG_E=n

`)
	want := []Option{{"CONFIG_A", "y"}, {"CONFIG_B", "17"}, {"CONFIG_C", `"a # b"`}, {"CONFIG_D", "n"}, {"CONFIG_E", "n"}}
	if err != nil || f.Name != "my.config" || !reflect.DeepEqual(f.Options, want) {
		t.Errorf("Parse = %+v, %v; want %v", f, err, want)
	}
	lines := "CONFIG_A=y\nCONFIG_B=17\nCONFIG_C=\"a # b\"\n# CONFIG_D is not set\n# CONFIG_E is not set\n"
	if got := Lines([]Fragment{f}); got != lines {
		t.Errorf("Lines = %q, want %q", got, lines)
	}
	if got := Options("# made\n" + lines); got != "CONFIG_A=y\nCONFIG_B=17\nCONFIG_C=\"a # b\"\n" {
		t.Errorf("Options = %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"CONFIG_A=y\nCONFIG_B=m\n": "x.config:2: CONFIG_B cannot be a module",
		"A=y\n":                    `x.config:1: "A=y" is no option`,
		"CONFIG_A\n":               `x.config:1: "CONFIG_A" is no option`,
		"CONFIG_A=\"x\n":           "is no option",
		"CONFIG_A=y z\n":           "is no option",
		"# nothing\n":              "x.config: there is no option in it",
	} {
		if _, err := Parse("x.config", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%q): error is %v, want %q in it", text, err, says)
		}
	}
}

func TestLost(t *testing.T) {
	base := Fragment{"base.config", []Option{{"CONFIG_A", "y"}, {"CONFIG_B", "y"}, {"CONFIG_C", `"text"`}, {"CONFIG_D", "n"}}}
	mine := Fragment{"my.config", []Option{{"CONFIG_B", "y"}, {"CONFIG_B", "n"}}}
	for _, c := range []struct {
		name  string
		final map[string]string
		want  string
	}{
		{"all there, the last counts", map[string]string{"CONFIG_A": "y", "CONFIG_B": "n", "CONFIG_C": "text"}, ""},
		{"off", map[string]string{"CONFIG_A": "n", "CONFIG_C": "text"}, "CONFIG_A=y of base.config became n: what it depends on is missing"},
		{"gone", map[string]string{"CONFIG_C": "text"}, "CONFIG_A=y of base.config is gone: this kernel does not know it, or what it depends on is missing"},
		{"another text", map[string]string{"CONFIG_A": "y", "CONFIG_C": "other"}, `CONFIG_C="text" of base.config became other`},
		{"selected by others", map[string]string{"CONFIG_A": "y", "CONFIG_C": "text", "CONFIG_D": "y"}, "CONFIG_D=n of base.config became y"},
		{"not as the user wants", map[string]string{"CONFIG_A": "y", "CONFIG_B": "y", "CONFIG_C": "text"}, "CONFIG_B=n of my.config became y"},
	} {
		final := func(o string) (string, bool) { v, ok := c.final[o]; return v, ok }
		if got := Lost([]Fragment{base, mine}, final); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Every option of krepro's own fragments says why it is there, and stands once.
func TestStandard(t *testing.T) {
	all, err := Standard(true)
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	seen := map[string]string{}
	for _, f := range all {
		text, err := files.ReadFile(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "CONFIG_") && !strings.Contains(line, " # ") {
				t.Errorf("%s: no reason: %s", f.Name, line)
			}
		}
		for _, o := range f.Options {
			if seen[o.Name] != "" && o.Value != "n" { // one may be taken back
				t.Errorf("%s is in %s and in %s", o.Name, seen[o.Name], f.Name)
			}
			seen[o.Name] = f.Name
		}
	}
	if plain, err := Standard(false); err != nil || len(plain) != 2 {
		t.Errorf("without debugging: %v, %v", plain, err)
	}
}
