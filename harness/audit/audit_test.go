package audit

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMessage(t *testing.T) {
	m := message{kind: typeUser, flags: unix.NLM_F_REQUEST, seq: 7, data: []byte("text")}
	want := []byte{20, 0, 0, 0, 0x4c, 4, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 't', 'e', 'x', 't'}
	if got := m.bytes(); !bytes.Equal(got, want) {
		t.Errorf("bytes %x, want %x", got, want)
	}
	back, err := parse(want)
	if err != nil || back.kind != m.kind || back.flags != m.flags || back.seq != m.seq || !bytes.Equal(back.data, m.data) {
		t.Errorf("parsed %+v, %v; want %+v", back, err, m)
	}
}

func TestErrno(t *testing.T) {
	for want, data := range map[unix.Errno][]byte{0: {0, 0, 0, 0}, unix.EEXIST: {0xef, 0xff, 0xff, 0xff, 1, 2}} {
		m, err := parse(message{kind: unix.NLMSG_ERROR, data: data}.bytes())
		if err != nil || m.errno() != want {
			t.Errorf("%x: %v, %v; want %v", data, m.errno(), err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, b := range [][]byte{nil, make([]byte, 15), message{kind: unix.NLMSG_ERROR, data: []byte{1}}.bytes()} {
		if m, err := parse(b); err == nil {
			t.Errorf("%x: %+v, want an error", b, m)
		}
	}
}

func TestQueued(t *testing.T) {
	const table = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
0000000000000000 0   4195       00000000 128      0        0     2        0        1
0000000000000000 9   4195       00000000 4608     0        0     2        3        16421
0000000000000000 9   0          00000000 0        0        0     2        0        2
`
	if got, err := queued(table, unix.NETLINK_AUDIT, 4195); err != nil || got != 4608 {
		t.Errorf("queued %d, %v; want 4608", got, err)
	}
	if got, err := queued(table, unix.NETLINK_AUDIT, 1); err == nil {
		t.Errorf("of no socket: %d", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{20, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parse(b); err == nil && m.kind == unix.NLMSG_ERROR {
			_ = m.errno()
		}
	})
}
