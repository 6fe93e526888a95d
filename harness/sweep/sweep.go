// Package sweep finds the stale entries of a sockhash with Cilium's keys, by the
// socket behind each, and deletes them.
//
// An entry is stale if its socket has been destroyed: TCP_CLOSE, without a local
// port, a peer or a struct socket. Only the map refers to it any more; nothing
// but the deletion of the entry frees it. Other entries are never deleted.
//
// It works on a live system: entries that come and go meanwhile do no harm.
package sweep

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/sockets"
)

// Map is a sockhash to be swept. Values may have 4 bytes (Cilium's) or 8.
type Map struct {
	m      *ebpf.Map
	info   *ebpf.MapInfo
	opts   ebpf.CollectionOptions
	reader *sockets.Reader
}

// Open opens the sockhash with this id, or pinned at this path. It needs root
// and bpf_iter.
func Open(name string) (*Map, error) {
	m, err := find(name)
	if err != nil {
		return nil, lacking(err)
	}
	defer m.Close()
	return Of(m)
}

// Of is for a map that is open already, and stays so.
func Of(m *ebpf.Map) (s *Map, err error) {
	if m.Type() != ebpf.SockHash {
		return nil, &MapError{fmt.Sprintf("a map of type %s is no sockhash", m.Type())}
	}
	s = &Map{}
	defer func() {
		if err != nil {
			err = errors.Join(lacking(err), s.Close())
			s = nil
		}
	}()
	if s.info, err = m.Info(); err != nil {
		return s, err
	}
	if s.opts, err = bpf.Options(); err != nil {
		return s, err
	}
	if s.m, err = m.Clone(); err != nil {
		return s, err
	}
	s.reader, err = sockets.Open(s.opts, m.KeySize())
	return s, err
}

// Close closes the map and unloads.
func (s *Map) Close() error {
	var errs []error
	if s.m != nil {
		errs = append(errs, s.m.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(errs...)
}

// Report is what a sweep found and did.
type Report struct {
	ID        uint32  `json:"id"`   // 0: the kernel does not tell
	Name      string  `json:"name"` // cut by the kernel to 15 bytes
	KeySize   uint32  `json:"key_size"`
	Entries   int     `json:"entries"`
	Live      int     `json:"live"`
	Stale     int     `json:"stale"`
	Closed    int     `json:"closed"`
	Foreign   int     `json:"foreign"`
	Deleted   int     `json:"deleted"`
	Again     int     `json:"again"`     // keys that had an entry again right after their deletion
	Remaining int     `json:"remaining"` // stale entries when it was over
	Listed    []Entry `json:"listed"`    // all but the live ones, by key
}

// Sweep lists the map's entries, and deletes the stale ones if asked to.
func (s *Map) Sweep(remove bool) (Report, error) {
	if remove && !s.known() {
		return Report{}, &MapError{fmt.Sprintf("keys of %d bytes are not Cilium's: nothing is deleted from this map", s.info.KeySize)}
	}
	entries, err := s.Entries()
	if err != nil {
		return Report{}, err
	}
	if remove {
		if err := s.Delete(entries); err != nil {
			return Report{}, err
		}
	}
	r := s.report(entries)
	if !remove {
		r.Remaining = r.Stale
		return r, nil
	}
	after, err := s.Entries()
	if err != nil {
		return Report{}, err
	}
	r.lookAgain(entries, after)
	return r, nil
}

func (s *Map) report(entries []Entry) Report {
	r := Report{Name: s.info.Name, KeySize: s.info.KeySize, Entries: len(entries), Listed: []Entry{}}
	if id, ok := s.info.ID(); ok {
		r.ID = uint32(id)
	}
	for _, e := range entries {
		switch e.Verdict {
		case Live:
			r.Live++
			continue
		case Stale:
			r.Stale++
		case Closed:
			r.Closed++
		case Foreign:
			r.Foreign++
		}
		if e.Outcome == Deleted {
			r.Deleted++
		}
		r.Listed = append(r.Listed, e)
	}
	return r
}

// lookAgain counts what is there after a deletion.
func (r *Report) lookAgain(before, after []Entry) {
	deleted := map[string]bool{}
	for _, e := range before {
		deleted[e.Key] = e.Outcome == Deleted
	}
	for _, e := range after {
		if e.Verdict == Stale {
			r.Remaining++
		}
		if deleted[e.Key] {
			r.Again++
		}
	}
}

// Entries lists the map's entries, judged, by key.
func (s *Map) Entries() ([]Entry, error) {
	found, err := s.reader.Read(s.m)
	if err != nil {
		return nil, lacking(err)
	}
	slices.SortFunc(found, func(a, b sockets.Entry) int {
		return cmp.Or(bytes.Compare(a.Key, b.Key), cmp.Compare(a.Sock, b.Sock))
	})
	found = slices.CompactFunc(found, func(a, b sockets.Entry) bool { return bytes.Equal(a.Key, b.Key) })
	out := make([]Entry, len(found))
	for i, f := range found {
		out[i] = entryOf(f)
	}
	return out, nil
}

// known tells whether keys may be of Cilium's layout.
func (s *Map) known() bool { return int(s.info.KeySize) == keySize }
