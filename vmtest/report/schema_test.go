package report

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

const schemaFile = "../../docs/schema/verdicts.schema.json"

// What is written is what the schema says, and the schema refuses what is not.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := JSON(some(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, schema, string(text)); err != nil {
		t.Errorf("verdicts.json: %v", err)
	}
	for name, edit := range map[string][2]string{
		"another version":  {`"schema": 1`, `"schema": 2`},
		"an unknown word":  {`"verdict": "affected"`, `"verdict": "ill"`},
		"an unknown field": {`"torn": 0`, `"torn": 0, "worn": 0`},
		"a field is gone":  {`"met": true,`, ``},
		"a code":           {`"bisect": 1,`, `"bisect": 2,`},
		"a blame":          {`"blame": "host"`, `"blame": "weather"`},
		"a share":          {`"low": 0,`, `"low": -1,`},
	} {
		bad := strings.Replace(string(text), edit[0], edit[1], 1)
		if bad == string(text) {
			t.Errorf("%s: %s is not in the sample", name, edit[0])
		}
		if validate(t, schema, bad) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(v)
}

// object is a part of the schema.
type object struct {
	Properties map[string]any
	Required   []string
	Enum       []string
}

// The schema has each field of each type, no other, and requires those that are
// always written.
func TestSchemaIsWhole(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	defined := func(name string) (o object) {
		if err := json.Unmarshal(schema.Defs[name], &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return o
	}
	for name, v := range map[string]any{
		"counts": Counts{}, "vm": verdict.Result{}, "kernel": event.Kernel{}, "build": event.Build{}, "exit": event.Exit{}, "judgement": verdict.Judgement{},
		"splat": verdict.Splat{}, "suite": verdict.Suite{}, "phase": verdict.Phase{}, "spec": verdict.Spec{}, "case": verdict.Case{}, "rate": verdict.Rate{},
	} {
		o := defined(name)
		all, always := fields(reflect.TypeOf(v))
		for _, f := range all {
			if _, ok := o.Properties[f]; !ok {
				t.Errorf("the schema's %s lacks %s", name, f)
			}
		}
		slices.Sort(o.Required)
		if len(o.Properties) != len(all) || !slices.Equal(o.Required, always) {
			t.Errorf("the schema's %s has %d fields and requires %v; want %d and %v", name, len(o.Properties), o.Required, len(all), always)
		}
	}
	var known []string
	for _, w := range words {
		known = append(known, string(w.verdict))
	}
	if got := defined("verdict").Enum; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(known))) {
		t.Errorf("the schema's verdicts are %v, want %v", got, known)
	}
}

// fields are the names of a type's fields in JSON, and of those that are always
// there, sorted.
func fields(of reflect.Type) (all, always []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			more, ever := fields(f.Type)
			all, always = append(all, more...), append(always, ever...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if options != "omitempty" {
			always = append(always, name)
		}
	}
	slices.Sort(always)
	return all, always
}
