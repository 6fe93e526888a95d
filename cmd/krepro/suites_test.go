package main

import (
	"fmt"
	"testing"
)

func TestParseSpecs(t *testing.T) {
	got, err := parseSpecs([]byte(`[{"SpecReports": [
		{"LeafNodeType": "BeforeSuite"},
		{"ContainerHierarchyTexts": ["a", "b"], "ContainerHierarchyLabels": [["x"], null], "LeafNodeType": "It", "LeafNodeText": "c", "LeafNodeLabels": ["y"]},
		{"ContainerHierarchyTexts": null, "LeafNodeType": "It", "LeafNodeText": "d"}]}]`))
	if want := "[a b c [x, y] d]"; err != nil || fmt.Sprint(got) != want {
		t.Fatalf("got %v, %v; want %s", got, err, want)
	}
	if got, err := parseSpecs([]byte("{")); err == nil {
		t.Fatalf("half a report gave %v", got)
	}
}
