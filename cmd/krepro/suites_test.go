package main

import (
	"slices"
	"testing"
)

func TestParseSpecs(t *testing.T) {
	got, err := parseSpecs([]byte(`[{"SpecReports": [
		{"LeafNodeType": "BeforeSuite"},
		{"ContainerHierarchyTexts": ["a", "b"], "ContainerHierarchyLabels": [["x"], null], "LeafNodeType": "It", "LeafNodeText": "c", "LeafNodeLabels": ["y"]},
		{"ContainerHierarchyTexts": null, "LeafNodeType": "It", "LeafNodeText": "d"}]}]`))
	if want := []string{"a b c [x, y]", "d"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	if got, err := parseSpecs([]byte("{")); err == nil {
		t.Fatalf("half a report gave %q", got)
	}
}
