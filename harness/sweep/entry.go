package sweep

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/sockets"
)

// Verdict is what the socket behind an entry makes of the entry.
type Verdict string

const (
	Live    Verdict = "live"
	Stale   Verdict = "stale"   // the socket is destroyed: the kernel forgot the entry
	Closed  Verdict = "closed"  // the socket is dead, but something still holds it: the entry goes with it
	Foreign Verdict = "foreign" // the socket is alive, and has other ports than the key
)

// Outcome is what became of an entry that was to be deleted.
type Outcome string

const (
	Deleted  Outcome = "deleted"
	Gone     Outcome = "gone"     // was not there any more
	Replaced Outcome = "replaced" // its key led to another socket: left alone
	Alive    Outcome = "alive"    // its socket was not destroyed: left alone
	Failed   Outcome = "failed"   // the kernel refused; Why says so
)

// Entry is one entry of the map.
type Entry struct {
	Key     string         `json:"key"`             // raw bytes in hex
	Local   netip.AddrPort `json:"local,omitzero"`  // own address of the socket, decoded from the key; zero if that is not of Cilium's layout
	Remote  netip.AddrPort `json:"remote,omitzero"` // its peer's
	Cookie  uint64         `json:"cookie"`          // 0: nobody has ever asked for it
	State   string         `json:"state"`           // of the socket: ESTABLISHED, …
	Port    uint16         `json:"port"`            // its own; 0 once it is destroyed
	Peer    uint16         `json:"peer"`            // its peer's; 0 once it is disconnected
	Held    bool           `json:"held"`            // somebody has a descriptor of it
	Verdict Verdict        `json:"verdict"`
	Why     string         `json:"why,omitempty"`
	Outcome Outcome        `json:"outcome,omitempty"` // "": nothing was to be done

	raw  []byte
	sock uint64 // address of the struct sock
}

func (e Entry) String() string { return e.Addresses() + ", key " + e.Key }

// Addresses are own address and peer's, "?" if the key does not tell them.
func (e Entry) Addresses() string {
	if !e.Local.IsValid() {
		return "?"
	}
	return fmt.Sprintf("%s < %s", e.Local, e.Remote)
}

func entryOf(f sockets.Entry) Entry {
	e := Entry{
		Key: hex.EncodeToString(f.Key), Cookie: f.Cookie, State: event.TCPState(f.State),
		Port: f.Port, Peer: f.Peer, Held: f.Held != 0, raw: f.Key, sock: f.Sock,
	}
	if k, ok := decode(f.Key); ok {
		e.Local, e.Remote = k.Dst, k.Src
	}
	e.Verdict, e.Why = judge(f.EntriesEntrySocket, e.Local.Port(), e.Remote.Port())
	if e.Verdict == Stale && !e.Local.IsValid() {
		e.Why += "; its key is not of Cilium's layout: never deleted"
	}
	return e
}

const (
	keySize  = 44 // of Cilium's layout
	tcpClose = 7  // net/tcp_states.h
)

// judge judges a socket that is found under a key with these ports; 0 if the
// key tells none. The rule of Stale is that of bpf/sweep.c.
func judge(s bpf.EntriesEntrySocket, local, remote uint16) (Verdict, string) {
	switch {
	case s.Family != unix.AF_INET && s.Family != unix.AF_INET6:
		return Foreign, fmt.Sprintf("a socket of address family %d", s.Family)
	case s.State != tcpClose && local != 0 && (s.Port != local || s.Peer != remote):
		return Foreign, fmt.Sprintf("the socket's ports are %d < %d", s.Port, s.Peer)
	case s.State != tcpClose:
		return Live, ""
	case s.Held != 0:
		return Closed, "dead, and a descriptor is still open"
	case s.Port != 0 || s.Peer != 0:
		return Closed, "dead, and not destroyed yet: waits to be accepted"
	}
	return Stale, "destroyed: no port, no peer, no descriptor"
}

// decode decodes a key if all of its bytes are as Cilium's layout has them.
func decode(key []byte) (accel.Key, bool) {
	var raw bpf.SockopsSockKey
	if len(key) != keySize || binary.Size(raw) != keySize {
		return accel.Key{}, false
	}
	if _, err := binary.Decode(key, binary.NativeEndian, &raw); err != nil {
		return accel.Key{}, false
	}
	k, err := accel.DecodeKey(raw)
	return k, err == nil && k.Encode() == raw
}
