package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/diff"
)

// known gets what kernels offer: from the cache, or by probing.
type known struct {
	program string // hash of what probes: another one may ask for more
	// probe boots kernels, each once. It returns the whole answers of those with
	// which that went well, by the kernel's ID.
	probe func(context.Context, []*kernels.Image) (map[string][]event.Features, error)
}

// of returns the answers of each kernel by its ID. A whole probe is kept, also
// if that of another kernel failed.
func (k known) of(ctx context.Context, images []*kernels.Image) (map[string][]event.Features, error) {
	answers := map[string][]event.Features{}
	var unknown []*kernels.Image
	for _, img := range images {
		if _, twice := answers[img.ID]; twice {
			continue
		}
		answers[img.ID] = k.recall(img)
		if answers[img.ID] == nil {
			unknown = append(unknown, img)
		}
	}
	if len(unknown) == 0 {
		return answers, nil
	}
	found, err := k.probe(ctx, unknown)
	for _, img := range unknown {
		if answers[img.ID] = found[img.ID]; found[img.ID] != nil {
			err = errors.Join(err, k.keep(img, found[img.ID]))
		}
	}
	return answers, err
}

// hashOf is a hash over files, short enough for a name.
func hashOf(paths ...string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("hash what probes: %w", err)
		}
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", fmt.Errorf("hash what probes: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// file is the name of the answers in a kernel's cache entry.
func (k known) file() string { return "features-" + k.program + ".json" }

// recall is what is kept of a kernel; nil if nothing is, or nothing whole: then
// it is probed again.
func (k known) recall(img *kernels.Image) []event.Features {
	data, err := os.ReadFile(img.Kept(k.file()))
	if err != nil {
		return nil
	}
	var parts []event.Features
	if json.Unmarshal(data, &parts) != nil || diff.Check(parts) != nil {
		return nil
	}
	return parts
}

// keep keeps the answers with the kernel.
func (k known) keep(img *kernels.Image, parts []event.Features) error {
	data, err := json.Marshal(parts)
	if err != nil {
		return fmt.Errorf("keep answers of %s: %w", img.Ref, err)
	}
	return img.Keep(k.file(), data)
}
