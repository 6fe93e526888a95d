package sweep

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/sockets"
)

var (
	local  = netip.MustParseAddrPort("198.19.0.1:8080")
	remote = netip.MustParseAddrPort("198.18.0.1:40960")
)

func keyBytes(k accel.Key) []byte {
	b, _ := binary.Append(nil, binary.NativeEndian, k.Encode())
	return b
}

func TestJudge(t *testing.T) {
	type socket = bpf.EntriesEntrySocket
	tests := []struct {
		name   string
		socket socket
		key    []byte
		want   Verdict
		why    string
	}{
		{"established", socket{Family: 2, State: 1, Port: 8080, Peer: 40960, Held: 1}, keyBytes(accel.KeyOf(local, remote)), Live, ""},
		{"established, to be accepted", socket{Family: 2, State: 1, Port: 8080, Peer: 40960}, keyBytes(accel.KeyOf(local, remote)), Live, ""},
		{"peer has closed", socket{Family: 10, State: 8, Port: 8080, Peer: 40960, Held: 1}, keyBytes(accel.KeyOf(local, remote)), Live, ""},
		{"established, key of another layout", socket{Family: 2, State: 1, Port: 1, Peer: 2, Held: 1}, make([]byte, 16), Live, ""},
		{"destroyed", socket{Family: 2, State: 7}, keyBytes(accel.KeyOf(local, remote)), Stale, "destroyed"},
		{"destroyed, IPv6", socket{Family: 10, State: 7}, keyBytes(accel.KeyOf(local, remote)), Stale, "destroyed"},
		{"destroyed, key of another layout", socket{Family: 2, State: 7}, make([]byte, 16), Stale, "never deleted"},
		{"reset, descriptor open", socket{Family: 2, State: 7, Port: 8080, Peer: 40960, Held: 1}, keyBytes(accel.KeyOf(local, remote)), Closed, "descriptor"},
		{"after connect(AF_UNSPEC)", socket{Family: 2, State: 7, Held: 1}, keyBytes(accel.KeyOf(local, remote)), Closed, "descriptor"},
		{"reset before accept", socket{Family: 2, State: 7, Port: 8080, Peer: 40960}, keyBytes(accel.KeyOf(local, remote)), Closed, "accepted"},
		{"has a peer", socket{Family: 2, State: 7, Peer: 40960}, keyBytes(accel.KeyOf(local, remote)), Closed, "accepted"},
		{"has a port", socket{Family: 2, State: 7, Port: 8080}, keyBytes(accel.KeyOf(local, remote)), Closed, "accepted"},
		{"connected anew elsewhere", socket{Family: 2, State: 1, Port: 8080, Peer: 40961, Held: 1}, keyBytes(accel.KeyOf(local, remote)), Foreign, "8080 < 40961"},
		{"a Unix socket", socket{Family: 1, State: 7}, keyBytes(accel.KeyOf(local, remote)), Foreign, "family 1"},
	}
	for _, test := range tests {
		e := entryOf(sockets.Entry{EntriesEntrySocket: test.socket, Key: test.key})
		if e.Verdict != test.want || !strings.Contains(e.Why, test.why) || (test.why == "") != (e.Why == "") {
			t.Errorf("%s: %s (%s), want %s (…%s…)", test.name, e.Verdict, e.Why, test.want, test.why)
		}
	}
}

// What looks like Cilium's key in size alone is not taken for one.
func TestDecode(t *testing.T) {
	good := keyBytes(accel.KeyOf(local, remote))
	if k, ok := decode(good); !ok || k != accel.KeyOf(local, remote) {
		t.Errorf("decoded to %v, %v", k, ok)
	}
	for _, at := range []int{4, 31, 32, 33, 35, 38, 43} { // pad of an address, family, padding, high half of a port
		odd := bytes.Clone(good)
		odd[at] = 0xee
		if k, ok := decode(odd); ok {
			t.Errorf("byte %d is wrong, and yet %s was decoded to %s", at, hex.EncodeToString(odd), k)
		}
	}
	for _, size := range []int{0, 8, 43, 45} {
		if k, ok := decode(make([]byte, size)); ok {
			t.Errorf("%d bytes were decoded to %s", size, k)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(keyBytes(accel.KeyOf(local, remote)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, ok := decode(b); ok && !bytes.Equal(keyBytes(k), b) {
			t.Fatalf("%x was decoded to %s, which is %x", b, k, keyBytes(k))
		}
	})
}

func TestLookAgain(t *testing.T) {
	before := []Entry{{Key: "a", Outcome: Deleted}, {Key: "b", Outcome: Deleted}, {Key: "c", Outcome: Failed}, {Key: "d"}}
	after := []Entry{{Key: "a", Verdict: Live}, {Key: "c", Verdict: Stale}, {Key: "d", Verdict: Live}, {Key: "e", Verdict: Stale}}
	var r Report
	if r.lookAgain(before, after); r.Again != 1 || r.Remaining != 2 {
		t.Errorf("%d keys again, %d entries remain; want 1 and 2", r.Again, r.Remaining)
	}
}
