// Package sockets reads the sockets behind the entries of a sockhash or a
// SOCKMAP as they are in the kernel's memory (bpf/entries.c), whether user space
// may look the entries up or not.
package sockets

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
)

// Entry is an entry's socket and key.
type Entry struct {
	bpf.EntriesEntrySocket
	Key []byte // as it lies in memory; empty if the reader leaves keys out
}

// Reader reads entries of maps.
type Reader struct {
	objs    bpf.EntriesObjects
	keySize uint32
}

// Open loads the iterator. It reads maps with keys of this size in bytes, or any
// map without its keys if that is 0.
func Open(opts ebpf.CollectionOptions, keySize uint32) (*Reader, error) {
	spec, err := bpf.LoadEntries()
	if err != nil {
		return nil, fmt.Errorf("load iterator over map entries: %w", err)
	}
	if err := spec.Variables[bpf.EntriesVarKeySize].Set(keySize); err != nil {
		return nil, fmt.Errorf("load iterator over map entries: %w", err)
	}
	r := &Reader{keySize: keySize}
	if err := spec.LoadAndAssign(&r.objs, &opts); err != nil {
		return nil, fmt.Errorf("load iterator over map entries: %w", err)
	}
	return r, nil
}

// Close unloads.
func (r *Reader) Close() error { return r.objs.Close() }

// buffer holds what the kernel gives at a time (PAGE_SIZE << 3), and more. A read
// that ends in the midst of a bucket makes the next begin with that bucket
// anew: a buffer smaller than a bucket would never see its end.
const buffer = 1 << 16

// Read lists a map's entries. An entry may be there twice.
func (r *Reader) Read(m *ebpf.Map) ([]Entry, error) {
	iter, err := link.AttachIter(link.IterOptions{Program: r.objs.SocketOf, Map: m})
	if err != nil {
		return nil, fmt.Errorf("attach iterator to %s: %w", m, err)
	}
	defer iter.Close()
	seq, err := iter.Open()
	if err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", m, err)
	}
	defer seq.Close()
	raw, err := io.ReadAll(bufio.NewReaderSize(seq, buffer))
	if err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", m, err)
	}
	return decode(raw, int(r.keySize))
}

// decode reads the iterator's records.
func decode(raw []byte, keySize int) ([]Entry, error) {
	size := binary.Size(bpf.EntriesEntrySocket{}) + keySize
	if len(raw)%size != 0 {
		return nil, fmt.Errorf("decode map entries: %d bytes are no multiple of %d", len(raw), size)
	}
	out := make([]Entry, len(raw)/size)
	for i := range out {
		record := raw[i*size : (i+1)*size]
		n, err := binary.Decode(record, binary.NativeEndian, &out[i].EntriesEntrySocket)
		if err != nil {
			return nil, fmt.Errorf("decode map entries: %w", err)
		}
		out[i].Key = record[n:]
	}
	return out, nil
}
