package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Files that a run's verdicts are written to.
const (
	verdictsFile = "verdicts.json"
	ktapFile     = "krepro.ktap"
	summaryFile  = "summary.md"
	junitDir     = "junit"
)

// summaryLimit is the size of a step's summary that GitHub takes, in bytes.
const summaryLimit = 1 << 20

// record writes the verdicts into the run's folder, in each form.
func record(dir string, results []verdict.Result) error {
	text, err := report.JSON(results)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		verdictsFile: text,
		ktapFile:     report.KTAP(results),
		summaryFile:  report.Markdown(results, dir, summaryLimit),
	}
	for _, r := range results {
		name := vmName(r)
		suites, err := report.JUnit(r)
		if err != nil {
			return err
		}
		for suite, text := range suites {
			files[filepath.Join(junitDir, name+"-"+suite+".xml")] = text
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, junitDir), 0o755); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	for name, text := range files {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

// vmName is the name of a VM's folder, or what it would have been called: of a
// kernel that krepro never came to there is none.
func vmName(r verdict.Result) string {
	name := cmp.Or(r.Kernel.Name, slug(r.Kernel.Ref))
	if r.Kernel.Name == "" && r.Kernel.Alone != "" {
		name += "~" + r.Kernel.Alone
	}
	return name
}
