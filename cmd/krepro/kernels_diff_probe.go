package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/diff"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// featuresSuite probes.
const featuresSuite = "features"

// probe runs the suite in each kernel, as krepro run does. The run's folder stays
// if one of them could not be probed.
func (e *env) probe(ctx context.Context, s *kernels.Store, p plan, images []*kernels.Image) (map[string][]event.Features, error) {
	inv := invocation{Version: version(), Started: time.Now().UTC().Truncate(time.Second), Args: e.args,
		Suites: p.names(), Size: "quick"}
	for _, img := range images {
		inv.Kernels = append(inv.Kernels, img.Ref)
	}
	dir, err := os.MkdirTemp("", "krepro-diff-")
	if err != nil {
		return nil, fmt.Errorf("make folder for probes: %w", err)
	}
	if err := writeJSON(filepath.Join(dir, runFile), inv); err != nil {
		return nil, err
	}
	progress := newProgress(e.stderr, e.width)
	s.Progress = func(line string) { progress.say("%s", line) }
	l := &launcher{dir: dir, store: s, plan: p, vms: inv.vms(), progress: progress}
	failed := l.all(ctx)
	progress.close()
	if failed != nil {
		return nil, failed
	}
	found, err := gather(dir, inv)
	if err != nil {
		fmt.Fprintf(e.stderr, "\nevidence: %s\n", dir)
		return found, err
	}
	return found, os.RemoveAll(dir)
}

// gather takes the answers out of a run's folder. A kernel whose verdicts are
// not all good has none that could be trusted.
func gather(dir string, inv invocation) (map[string][]event.Features, error) {
	results, err := judgeAll(dir, inv, nil)
	if err != nil {
		return nil, err
	}
	found := map[string][]event.Features{}
	var failed []error
	for _, r := range results {
		parts, err := answersOf(dir, r)
		if err != nil {
			failed = append(failed, fmt.Errorf("probe %s: %w", r.Kernel.Ref, err))
			continue
		}
		found[r.Kernel.ID] = parts
	}
	if len(failed) == 0 {
		return found, nil
	}
	code := report.Code(results)
	if code != verdict.CodeInfra && code != verdict.CodeCancelled {
		code = verdict.CodeSkip // the kernel's fault or the suite's: there is no answer
	}
	return found, &failure{code, errors.Join(failed...)}
}

// answersOf reads the answers of one VM.
func answersOf(run string, r verdict.Result) ([]event.Features, error) {
	if r.Code != verdict.CodeGood {
		return nil, errors.New(fault(r))
	}
	f, err := os.Open(filepath.Join(run, r.Kernel.Name, verdict.EventsFile))
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	defer f.Close()
	records, bad, err := event.Read(f)
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("read answers: %d lines are no record", len(bad))
	}
	return decode(records)
}

// decode takes the answers out of the records; they must be whole.
func decode(records []event.Record) ([]event.Features, error) {
	var parts []event.Features
	for _, rec := range records {
		if rec.Kind != event.FeaturesRecord {
			continue
		}
		var f event.Features
		if err := json.Unmarshal(rec.Data, &f); err != nil {
			return nil, fmt.Errorf("decode answers: %w", err)
		}
		parts = append(parts, f)
	}
	return parts, diff.Check(parts)
}

// fault is the first thing that went wrong with a VM.
func fault(r verdict.Result) string {
	for _, su := range r.Suites {
		for _, p := range su.Specs {
			if p.Bisect != verdict.CodeGood {
				return fmt.Sprintf("%s: %s", p.Verdict, p.Reason)
			}
		}
		if su.Bisect != verdict.CodeGood {
			return fmt.Sprintf("%s: %s", su.Verdict, su.Reason)
		}
	}
	return fmt.Sprintf("%s: %s", r.Console.Verdict, r.Console.Reason)
}
