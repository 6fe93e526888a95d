package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/explain"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Files that a run's verdicts are written to.
const (
	verdictsFile = "verdicts.json"
	ktapFile     = "krepro.ktap"
	summaryFile  = "summary.md"
	pageFile     = "report.html"
	junitDir     = "junit"
	explainDir   = "explain"
)

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
	links, err := addStories(files, dir, results)
	if err != nil {
		return err
	}
	if files[pageFile], err = report.HTML(results, links); err != nil {
		return err
	}
	if err := addJUnit(files, results); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := writeFile(path, text); err != nil {
			return err
		}
	}
	return nil
}

func addJUnit(files map[string][]byte, results []verdict.Result) error {
	for _, r := range results {
		suites, err := report.JUnit(r)
		if err != nil {
			return err
		}
		for suite, text := range suites {
			files[filepath.Join(junitDir, vmName(r)+"-"+suite+".xml")] = text
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

// addStories adds a page for each VM that has something to explain, and says
// what lies in the folder about each.
func addStories(files map[string][]byte, dir string, results []verdict.Result) (map[string]report.Links, error) {
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	links := map[string]report.Links{}
	for _, r := range results {
		name := r.Kernel.Name
		if name == "" {
			continue // krepro never came to it: it has no folder
		}
		var l report.Links
		if l.Files, err = evidenceOf(dir, name); err != nil {
			return nil, err
		}
		page, err := story(filepath.Join(dir, name), corpus)
		if err != nil {
			return nil, err
		}
		if page != nil {
			l.Explain = explainDir + "/" + name + ".html"
			files[l.Explain] = page
		}
		links[name] = l
	}
	return links, nil
}

// story is the page of a VM in which a request hung or an entry stayed, nil of
// another. What cannot be read is told by the verdicts.
func story(vm string, corpus []cases.Case) ([]byte, error) {
	r, err := reportOf(vm, corpus, explain.Filter{})
	if err != nil || r.Story.Stuck == 0 && r.Story.Stale == 0 {
		return nil, nil
	}
	var page bytes.Buffer
	err = explain.HTML(&page, []explain.Report{r})
	return page.Bytes(), err
}

// evidenceOf lists the files of a VM's folder, relative to the run's; of many
// pcap files their folder. What a matrix says of its own file has no folder.
func evidenceOf(dir, name string) ([]string, error) {
	var out []string
	err := fs.WalkDir(os.DirFS(dir), name, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "pcap":
			out = append(out, path+"/")
			return fs.SkipDir
		case !d.IsDir():
			out = append(out, path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	return out, nil
}
