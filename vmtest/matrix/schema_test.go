package matrix

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// semantic are the bad samples that a schema cannot know to be bad: it does not
// know what suites, cases and kernels there are, and YAML readers refuse a field
// that stands twice before it comes to a schema.
var semantic = map[string]bool{"suite": true, "case": true, "set": true, "twice": true,
	"sizes-suite": true, "sizes-other": true}

// The schema for editors and the reader accept the same, and refuse the same.
func TestSchemaAgrees(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../../docs/schema/krepro.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	accepts := func(data []byte) error {
		var v any
		if err := yaml.Unmarshal(data, &v); err != nil {
			return err
		}
		return schema.Validate(plain(v))
	}
	twelve, err := os.ReadFile("../../docs/krepro.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"the default matrix": Default, "docs/krepro.yaml": twelve} {
		if _, err := Parse(name, data, some); err != nil || accepts(data) != nil {
			t.Errorf("%s: %v, %v", name, err, accepts(data))
		}
	}
	for _, name := range samples(t, "good") {
		data := sample(t, "good/"+name+".yaml")
		if err := accepts(data); err != nil {
			t.Errorf("the schema refuses %s: %v", name, err)
		}
		if _, err := Parse(name, data, some); err != nil {
			t.Errorf("the reader refuses %s: %v", name, err)
		}
	}
	for _, name := range samples(t, "bad") {
		data := sample(t, "bad/"+name+".yaml")
		if err := accepts(data); err == nil && !semantic[name] {
			t.Errorf("the schema accepts %s", name)
		}
		if _, err := Parse(name, data, some); err == nil {
			t.Errorf("the reader accepts %s", name)
		}
	}
}

func samples(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("samples: %v, %v", files, err)
	}
	for _, f := range files {
		names = append(names, filepath.Base(f[:len(f)-len(".yaml")]))
	}
	return names
}

// plain makes of a day, which YAML knows and JSON does not, its text again.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}
