package observe

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// Symbols has the kernel name its own addresses (bpf/symbols.c), and remembers.
type Symbols struct {
	objs   bpf.SymbolsObjects
	iter   *link.Iter
	memory *ebpf.Memory // of the addresses to ask for

	mu    sync.Mutex
	known map[uint64]event.Frame // by the address that was asked for
}

// OpenSymbols loads the iterator that names addresses.
func OpenSymbols(opts ebpf.CollectionOptions) (s *Symbols, err error) {
	s = &Symbols{known: map[uint64]event.Frame{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if err = bpf.LoadSymbolsObjects(&s.objs, &opts); err != nil {
		return s, fmt.Errorf("load iterator that names addresses: %w", err)
	}
	if s.memory, err = s.objs.Addresses.Memory(); err != nil {
		return s, fmt.Errorf("map addresses: %w", err)
	}
	s.iter, err = link.AttachIter(link.IterOptions{Program: s.objs.Name, Map: s.objs.Addresses})
	if err != nil {
		return s, fmt.Errorf("attach iterator that names addresses: %w", err)
	}
	return s, nil
}

// Close unloads.
func (s *Symbols) Close() error {
	var err error
	if s.iter != nil {
		err = s.iter.Close()
	}
	return errors.Join(err, s.objs.Close())
}

// Function is the symbol of the function that begins at an address, or the
// address in hex if it has none.
func (s *Symbols) Function(address uint64) (string, error) {
	// The kernel names the byte before the one asked for, as fits a return address.
	frames, err := s.name([]uint64{address + 1})
	if err != nil {
		return "", err
	}
	if f := frames[0]; f.Symbol != "" {
		return f.Symbol, nil
	}
	return hex(address), nil
}

// Frames names a stack, innermost first: where the kernel was, and from there
// on return addresses.
func (s *Symbols) Frames(stack []uint64) ([]event.Frame, error) {
	if len(stack) == 0 {
		return nil, nil
	}
	asked := slices.Clone(stack)
	asked[0]++ // see Function
	frames, err := s.name(asked)
	if err != nil {
		return nil, err
	}
	frames[0].Address = hex(stack[0])
	frames[0].Offset = max(frames[0].Offset, 1) - 1
	return frames, nil
}

// Stack is Frames without those of tracing itself, on top of what was traced.
func (s *Symbols) Stack(stack []uint64) ([]event.Frame, error) {
	frames, err := s.Frames(stack)
	return trim(frames), err
}

func (s *Symbols) name(addresses []uint64) ([]event.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fresh []uint64
	for _, a := range addresses {
		if _, ok := s.known[a]; !ok {
			fresh = append(fresh, a)
		}
	}
	for len(fresh) > 0 {
		n := min(len(fresh), int(s.objs.Addresses.MaxEntries()))
		if err := s.ask(fresh[:n]); err != nil {
			return nil, fmt.Errorf("name kernel addresses: %w", err)
		}
		fresh = fresh[n:]
	}
	out := make([]event.Frame, len(addresses))
	for i, a := range addresses {
		out[i] = s.known[a]
	}
	return out, nil
}

// ask has up to a mapful of addresses named.
func (s *Symbols) ask(addresses []uint64) error {
	for i := range s.objs.Addresses.MaxEntries() {
		var a uint64
		if int(i) < len(addresses) {
			a = addresses[i]
		}
		if err := s.put(i, a); err != nil {
			return err
		}
	}
	r, err := s.iter.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		s.known[a] = event.Frame{Address: hex(a)}
	}
	for line := range strings.Lines(string(text)) {
		at, frame, err := parseSymbol(line)
		if err != nil {
			return err
		}
		if at < len(addresses) {
			frame.Address = hex(addresses[at])
			s.known[addresses[at]] = frame
		}
	}
	return nil
}

func (s *Symbols) put(i uint32, address uint64) error {
	var b [8]byte
	native.PutUint64(b[:], address)
	_, err := s.memory.WriteAt(b[:], int64(i)*8)
	return err
}

var symbolForm = regexp.MustCompile(`^(\d+) ([^\s+]+)\+0x([0-9a-f]+)/0x[0-9a-f]+(?: \[([^\]\s]+)[^\]]*\])?\s*$`)

// parseSymbol reads one line of the iterator:
//
//	3 tcp_recvmsg+0x1/0x150
//	4 bpf_prog_7aa9a870410635af_establish+0x33f/0x4c0 [bpf]
//	5 0xffffffffc0000000                                (an address without a name)
func parseSymbol(line string) (index int, f event.Frame, err error) {
	m := symbolForm.FindStringSubmatch(line)
	if m == nil {
		var raw string
		if n, err := fmt.Sscanf(line, "%d 0x%s", &index, &raw); err == nil && n == 2 && index >= 0 {
			return index, event.Frame{}, nil
		}
		return 0, f, fmt.Errorf("parse symbol %q: want INDEX NAME+0xOFFSET/0xSIZE", strings.TrimSpace(line))
	}
	if index, err = strconv.Atoi(m[1]); err != nil {
		return 0, f, fmt.Errorf("parse symbol %q: %w", strings.TrimSpace(line), err)
	}
	offset, err := strconv.ParseUint(m[3], 16, 64)
	if err != nil {
		return 0, f, fmt.Errorf("parse symbol %q: %w", strings.TrimSpace(line), err)
	}
	return index, event.Frame{Symbol: m[2], Offset: offset, Module: m[4]}, nil
}

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }
