package sweep

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/bpf"
)

// outcomes by the numbers of bpf/sweep.c.
var outcomes = [...]Outcome{Gone, Deleted, Replaced, Alive, Failed}

// Delete deletes the stale ones of these entries, those with keys of Cilium's
// layout, and notes in each what became of it. Every socket is looked at again,
// in the kernel and right before its key is deleted: if it is not the one that
// was listed, or not destroyed, the entry stays.
func (s *Map) Delete(entries []Entry) error {
	var doomed []*Entry
	for i := range entries {
		if e := &entries[i]; e.Verdict == Stale && e.Local.IsValid() {
			doomed = append(doomed, e)
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	if err := s.delete(doomed); err != nil {
		return fmt.Errorf("delete entries of %s: %w", s.m, lacking(err))
	}
	return nil
}

func (s *Map) delete(doomed []*Entry) (err error) {
	objs, err := s.load(len(doomed))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, objs.Close()) }()
	for _, e := range doomed {
		if err := objs.Targets.Put(e.raw, bpf.SweepTarget{Sock: e.sock}); err != nil {
			return fmt.Errorf("name %s: %w", e, err)
		}
	}
	if err := s.pass(objs.DeleteDestroyed); err != nil {
		return err
	}
	for _, e := range doomed {
		var t bpf.SweepTarget
		if err := objs.Targets.Lookup(e.raw, &t); err != nil {
			return fmt.Errorf("read what became of %s: %w", e, err)
		}
		e.Outcome = outcomes[t.Outcome]
		if e.Outcome == Failed {
			e.Why = fmt.Sprintf("%s; delete: %v", e.Why, unix.Errno(-t.Err))
		}
	}
	return nil
}

// load loads the program that deletes, bound to the map, with room for so many targets.
func (s *Map) load(targets int) (*bpf.SweepObjects, error) {
	spec, err := bpf.LoadSweep()
	if err != nil {
		return nil, err
	}
	swept := spec.Maps[bpf.SweepMapSwept]
	swept.ValueSize, swept.MaxEntries, swept.Flags = s.m.ValueSize(), s.m.MaxEntries(), s.m.Flags()
	swept.Key, swept.Value = nil, nil
	spec.Maps[bpf.SweepMapTargets].MaxEntries = uint32(targets)
	opts := s.opts
	opts.MapReplacements = map[string]*ebpf.Map{bpf.SweepMapSwept: s.m}
	objs := &bpf.SweepObjects{}
	return objs, spec.LoadAndAssign(objs, &opts)
}

// pass runs an iterator over the map.
func (s *Map) pass(p *ebpf.Program) error {
	iter, err := link.AttachIter(link.IterOptions{Program: p, Map: s.m})
	if err != nil {
		return err
	}
	defer iter.Close()
	r, err := iter.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
