package chain

import (
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// infos is a socket with TCP_INFO before and after; a nil one is not known.
func infos(before, after *event.TCPInfo) *event.Socket {
	return &event.Socket{Before: before, After: after}
}

func segs(out, in uint32) *event.TCPInfo {
	return &event.TCPInfo{State: "ESTABLISHED", SegsOut: out, SegsIn: in, BytesAcked: 1}
}

func TestSignature(t *testing.T) {
	received := segs(2, 1)
	received.BytesReceived = 120
	readable := segs(1, 2)
	readable.Readable = 93
	delivered := infos(segs(1, 2), segs(1, 2))
	delivered.Moments = []event.Moment{{Kind: event.MomentDelivered, Bytes: 93}}
	tests := []struct {
		name           string
		class          string
		request        int
		client, server *event.Socket
		want           Answer
		why            string
	}{
		{"stuck", "read-timeout", 93, infos(segs(2, 1), segs(2, 1)), infos(segs(1, 2), segs(1, 2)), Yes,
			"segs_out/segs_in 2/1 stays 2/1: the request of 93 bytes left write(2) and passed no segment"},
		{"stuck, the server's end unknown", "read-timeout", 93, infos(segs(2, 1), segs(2, 1)), nil, Yes, "2/1 stays 2/1"},
		{"good: redirected, nothing counted", "ok", 93, infos(segs(2, 1), segs(2, 1)), infos(segs(1, 2), segs(1, 2)), No, "ended ok"},
		{"good: closed by the server", "ok", 93, infos(segs(2, 1), segs(3, 2)), nil, No, "ended ok"},
		{"slow server on the ordinary path", "read-timeout", 93, infos(segs(2, 1), segs(3, 2)), nil, No, "2/1 becomes 3/2"},
		{"payload came", "read-timeout", 93, infos(segs(2, 1), received), nil, No, "bytes_received 0 becomes 120"},
		{"the server has not read", "read-timeout", 93, infos(segs(2, 1), segs(2, 1)), infos(segs(1, 2), readable), No, "server: segs_out/segs_in 1/2 stays, FIONREAD 0 becomes 93"},
		{"delivered, the answer late", "read-timeout", 93, infos(segs(2, 1), segs(2, 1)), delivered, No, "delivered to the server's own socket"},
		{"not written", "read-timeout", 0, infos(segs(2, 1), segs(2, 1)), nil, Unknown, "not known that the request"},
		{"before unknown", "read-timeout", 93, infos(nil, segs(2, 1)), nil, Unknown, "client: TCP_INFO"},
		{"after unknown", "read-timeout", 93, infos(segs(2, 1), nil), nil, Unknown, "client: TCP_INFO"},
		{"client unknown", "read-timeout", 93, nil, infos(segs(1, 2), segs(1, 2)), Unknown, "client: TCP_INFO"},
		{"refused", "refused", 0, nil, nil, No, "ended refused"},
	}
	for _, test := range tests {
		c := event.Connection{Class: test.class, Request: test.request,
			Client: event.Endpoint{Socket: test.client}, Server: event.Endpoint{Socket: test.server}}
		got, why := Signature(c)
		if got != test.want || !strings.Contains(why, test.why) {
			t.Errorf("%s: %s, %q; want %s, %q", test.name, got, why, test.want, test.why)
		}
	}
}
