package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// summaryLimit is the size of a step's summary that GitHub takes, in bytes.
const summaryLimit = 1 << 20

// announce tells GitHub Actions what a run came to, where krepro runs in it:
// errors beside the step, and the summary on its page.
func (e *env) announce(dir string, results []verdict.Result) error {
	if e.getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	for _, line := range report.Annotations(results) {
		fmt.Fprintln(e.stderr, line)
	}
	file := e.getenv("GITHUB_STEP_SUMMARY")
	if file == "" {
		return nil
	}
	return appendSummary(file, func(room int) []byte { return report.Markdown(results, dir, room) })
}

// appendSummary adds a page to a step's summary, as long as what is there
// already leaves room for.
func appendSummary(file string, page func(room int) []byte) (err error) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write step summary: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("write step summary: %w", err)
	}
	if _, err := f.Write(page(summaryLimit - int(info.Size()))); err != nil {
		return fmt.Errorf("write step summary: %w", err)
	}
	return nil
}
