package vmtest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/krepro/krepro/harness/event"
)

// A handshake's first two packets, and the head of one of 1,052 bytes over IPv6.
var packets = []event.Packet{
	{T: 12.345678, FromClient: true, Flags: "S", Seq: 1, Wire: 40,
		Raw: unhex("4500002800014000400600000a0000010a000002" + "9c40005000000001000000005002200000000000")},
	{T: 12.3459996, Flags: "S.", Seq: 9, Ack: 2, Wire: 40,
		Raw: unhex("4500002800014000400600000a0000020a000001" + "00509c4000000009000000025012200000000000")},
	{T: 3600.5, FromClient: true, Flags: "P.", Seq: 1, Ack: 1, Payload: 992, Wire: 1052,
		Raw: unhex("6000000003f40640" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" +
			"0001000200000001000000015018200000000000" + "616263")},
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// failed is a connection that got stuck.
func failed(trial int, packets ...event.Packet) event.Connection {
	return event.Connection{Trial: trial, Symptoms: []event.Symptom{event.Stuck}, Packets: packets}
}

func good(trial int) event.Connection { return event.Connection{Trial: trial, Packets: packets} }

// eventLines are records of connections of a spec.
func eventLines(t *testing.T, spec string, conns ...event.Connection) string {
	t.Helper()
	var lines bytes.Buffer
	w := event.Writer{W: &lines}
	for _, c := range conns {
		data, err := json.Marshal(c)
		if err == nil {
			err = w.Write(event.Record{Kind: event.ConnectionRecord, Spec: spec, Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return lines.String()
}

// writtenPcaps runs writePcaps on a VM's folder with these events and lists its files.
func writtenPcaps(t *testing.T, events string) (dir string, names []string) {
	t.Helper()
	m := Machine{Dir: t.TempDir()}
	if err := os.WriteFile(m.path("events.jsonl"), []byte(events), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := m.writePcaps(); err != nil {
		t.Fatal(err)
	}
	dir = m.path("artefacts/pcap")
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return dir, names
}

func TestPcapNames(t *testing.T) {
	p := packets[0]
	long := strings.Repeat("word, ", 40)
	torn := eventLines(t, "torn", failed(9, packets...))
	tests := map[string]struct {
		events string
		want   []string // sorted
	}{
		"no events": {"", nil},
		"only good connections, and one without packets": {eventLines(t, "a", good(1), failed(2)), nil},
		"a good one between":                             {eventLines(t, "a", failed(1, p), good(2), failed(3, p)), []string{"a-trial1.pcap", "a-trial3.pcap"}},
		"words of a name":                                {eventLines(t, "payload bypass: pod's 2nd (IPv6)", failed(0, p)), []string{"payload-bypass-pod-s-2nd-ipv6-trial0.pcap"}},
		"a name that leads elsewhere":                    {eventLines(t, "../../etc/x", failed(1, p)), []string{"etc-x-trial1.pcap"}},
		"a long name":                                    {eventLines(t, long, failed(1, p)), []string{strings.Repeat("word-", 20)[:99] + "-trial1.pcap"}},
		"addresses used again":                           {eventLines(t, "a", failed(1, p), failed(1, p)), []string{"a-trial1-2.pcap", "a-trial1.pcap"}},
		"two names in one": {eventLines(t, "a, b", failed(1, p)) + eventLines(t, "a b", failed(1, p)),
			[]string{"a-b-trial1-2.pcap", "a-b-trial1.pcap"}},
		"a torn line": {eventLines(t, "a", failed(1, p)) + torn[:len(torn)/2] + "\n" + eventLines(t, "a", failed(2, p)),
			[]string{"a-trial1.pcap", "a-trial2.pcap"}},
		"a torn end": {eventLines(t, "a", failed(1, p)) + torn[:len(torn)-9], []string{"a-trial1.pcap"}},
		"data of another shape": {`{"kind":"connection","t":1,"spec":"a","data":[1]}` + "\n" + eventLines(t, "a", failed(1, p)),
			[]string{"a-trial1.pcap"}},
		"a line without end": {eventLines(t, "a", failed(1, p)) + strings.Repeat("\x00", 1<<20), []string{"a-trial1.pcap"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, got := writtenPcaps(t, test.events); !slices.Equal(got, test.want) {
				t.Errorf("files are %q, want %q", got, test.want)
			}
		})
	}
}

// A spec with many failing connections leaves room for the others.
func TestPcapBound(t *testing.T) {
	var many []event.Connection
	for i := range 200 {
		many = append(many, failed(i, packets[0]))
	}
	_, names := writtenPcaps(t, eventLines(t, "many", many...)+eventLines(t, "few", many[:3]...))
	if len(names) != maxPcaps {
		t.Fatalf("%d files, want %d", len(names), maxPcaps)
	}
	for _, want := range []string{"few-trial0.pcap", "few-trial1.pcap", "few-trial2.pcap", "many-trial0.pcap", "many-trial60.pcap"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %q", want, names)
		}
	}
}

func TestPcapReadsBack(t *testing.T) {
	dir, names := writtenPcaps(t, eventLines(t, "a", failed(1, packets...)))
	text, err := os.ReadFile(filepath.Join(dir, names[0]))
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(text))
	if err != nil || r.LinkType() != layers.LinkTypeRaw {
		t.Fatalf("link type %v, %v", r.LinkType(), err)
	}
	times := []string{"1970-01-01T00:00:12.345678Z", "1970-01-01T00:00:12.346Z", "1970-01-01T01:00:00.5Z"}
	for i, want := range packets {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want.Raw) || info.Length != want.Wire || info.Timestamp.Format(time.RFC3339Nano) != times[i] {
			t.Errorf("packet %d is %x of %d bytes at %s", i, data, info.Length, info.Timestamp)
		}
	}
	if _, _, err := r.ReadPacketData(); err == nil {
		t.Error("there are more packets than were written")
	}
}

func TestPcapForTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	dir, names := writtenPcaps(t, eventLines(t, "a", failed(1, packets...)))
	out, err := exec.Command(tcpdump, "-tt", "-S", "-nr", filepath.Join(dir, names[0])).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(packets) {
		t.Fatalf("tcpdump prints\n%s", out)
	}
	for i, p := range packets {
		for _, want := range []string{fmt.Sprintf("%.6f IP", p.T), fmt.Sprintf("Flags [%s]", p.Flags), fmt.Sprintf("length %d", p.Payload)} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%q is not in %s", want, lines[i])
			}
		}
	}
}

func TestPcapThatCannotBeWritten(t *testing.T) {
	m := Machine{Dir: t.TempDir()}
	if err := m.writePcaps(); err == nil {
		t.Error("no events.jsonl, and no error")
	}
	if err := os.WriteFile(m.path("events.jsonl"), []byte(eventLines(t, "a", failed(1, packets[0]))), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("artefacts"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := m.writePcaps(); err == nil {
		t.Error("no folder, and no error")
	}
}
