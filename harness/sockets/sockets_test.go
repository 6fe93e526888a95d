package sockets

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/krepro/krepro/bpf"
)

func TestDecode(t *testing.T) {
	sockets := []bpf.EntriesEntrySocket{
		{Cookie: 7, Sock: 0xffff888000000040, Handler: 0xffffffff81000000, Port: 8080, Peer: 40000, Family: 2, State: 1, Held: 1},
		{Cookie: 8, Sock: 0xffff888000000080, Handler: 0xffffffff81000010, Family: 10, State: 7},
	}
	for _, keySize := range []int{0, 4, 44} {
		var raw []byte
		var want []Entry
		for i, s := range sockets {
			key := bytes.Repeat([]byte{byte('a' + i)}, keySize)
			raw, _ = binary.Append(raw, binary.NativeEndian, s)
			raw = append(raw, key...)
			want = append(want, Entry{s, key})
		}
		got, err := decode(raw, keySize)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("keys of %d bytes: got %+v, %v; want %+v", keySize, got, err, want)
		}
		if got, err := decode(raw[:len(raw)-1], keySize); err == nil {
			t.Errorf("keys of %d bytes: a record cut short was decoded to %+v", keySize, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, 64), uint8(0))
	f.Add(make([]byte, 76), uint8(44))
	f.Fuzz(func(t *testing.T, b []byte, keySize uint8) {
		entries, err := decode(b, int(keySize))
		if err == nil && len(entries)*(binary.Size(bpf.EntriesEntrySocket{})+int(keySize)) != len(b) {
			t.Fatalf("%d entries from %d bytes", len(entries), len(b))
		}
	})
}
