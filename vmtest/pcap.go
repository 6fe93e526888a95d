package vmtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/krepro/krepro/harness/event"
)

const (
	maxPcaps    = 64      // files of a VM
	maxSpecName = 100     // bytes of a file's name that come of the spec's
	snapLength  = 1 << 16 // no packet is longer; the suites cut them much shorter
)

// pcap is what was captured of a connection that failed.
type pcap struct {
	name    string // of the file
	nth     int    // of the spec's
	packets []event.Packet
}

// writePcaps writes artefacts/pcap/SPEC-trialN.pcap for connections that failed,
// out of the records that arrived: Wireshark and tcpdump read these. Where there
// are more than 64, every spec's first one comes before any spec's second.
func (m *Machine) writePcaps() error {
	events, err := os.Open(m.path("events.jsonl"))
	if err != nil {
		return fmt.Errorf("look for captured packets: %w", err)
	}
	defer events.Close()
	all, err := readPcaps(events)
	if err != nil || len(all) == 0 {
		return err
	}
	dir := m.path("artefacts/pcap")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create folder for pcap files: %w", err)
	}
	slices.SortStableFunc(all, func(a, b pcap) int { return a.nth - b.nth })
	for _, p := range all[:min(len(all), maxPcaps)] {
		if err := p.write(dir); err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
	}
	return nil
}

// readPcaps finds the failing connections with packets. What is no record, or
// torn, is passed over.
func readPcaps(events io.Reader) ([]pcap, error) {
	records, _, err := event.Read(events)
	if err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("look for captured packets: %w", err)
	}
	var all []pcap
	ofSpec, ofName := map[string]int{}, map[string]int{}
	for _, r := range records {
		var c event.Connection
		if r.Kind != event.ConnectionRecord || json.Unmarshal(r.Data, &c) != nil || len(c.Symptoms) == 0 || len(c.Packets) == 0 {
			continue
		}
		name := fmt.Sprintf("%s-trial%d", fileName(r.Spec), c.Trial)
		ofSpec[r.Spec]++
		if ofName[name]++; ofName[name] > 1 { // the spec used the trial's 4-tuple again
			name = fmt.Sprintf("%s-%d", name, ofName[name])
		}
		all = append(all, pcap{name + ".pcap", ofSpec[r.Spec], c.Packets})
	}
	return all, nil
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// fileName makes words joined by hyphens of a spec's name.
func fileName(spec string) string {
	s := notInName.ReplaceAllString(strings.ToLower(spec), "-")
	return strings.Trim(s[:min(len(s), maxSpecName)], "-")
}

func (p pcap) write(dir string) error {
	var file bytes.Buffer
	if err := p.encode(&file); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, p.name), file.Bytes(), 0o644)
}

// encode writes IP packets without a link header. Their times are seconds since
// the guest booted, as in all of the evidence, where a pcap has them since 1970.
func (p pcap) encode(to io.Writer) error {
	w := pcapgo.NewWriter(to)
	if err := w.WriteFileHeader(snapLength, layers.LinkTypeRaw); err != nil {
		return err
	}
	for _, packet := range p.packets {
		err := w.WritePacket(gopacket.CaptureInfo{
			Timestamp:     time.UnixMicro(int64(math.Round(packet.T * 1e6))),
			CaptureLength: len(packet.Raw),
			Length:        max(packet.Wire, len(packet.Raw)),
		}, packet.Raw)
		if err != nil {
			return err
		}
	}
	return nil
}
