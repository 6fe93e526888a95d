package netlab

import (
	"maps"
	"testing"
)

func TestParseTable(t *testing.T) {
	got, err := parseTable("Tcp: RtoMin MaxConn RetransSegs\nTcp: 200 -1 7\nTcpExt: TCPChallengeACK\nTcpExt: 3\n")
	want := Counters{"TcpRtoMin": 200, "TcpRetransSegs": 7, "TcpExtTCPChallengeACK": 3}
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{"Tcp: A\n", "Tcp: A\nTcp: 1 2\n", "Tcp: A\nIp: 1\n", "\n\n"} {
		if got, err := parseTable(text); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

func TestParseList(t *testing.T) {
	got, err := parseList("Ip6InReceives \t 4\nIcmp6OutMsgs 0\n")
	if want := (Counters{"Ip6InReceives": 4, "Icmp6OutMsgs": 0}); err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{"Ip6InReceives\n", "Ip6InReceives x\n"} {
		if got, err := parseList(text); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

func TestSince(t *testing.T) {
	got := Counters{"a": 5, "b": 2, "new": 1}.Since(Counters{"a": 3, "b": 2})
	if want := (Counters{"a": 2, "new": 1}); !maps.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add("Tcp: A\nTcp: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = parseTable(text) // must not panic
		_, _ = parseList(text)
	})
}
