package accel

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/krepro/krepro/bpf"
	"github.com/krepro/krepro/harness/event"
)

// Ports is how many client ports a SOCKMAP tells apart (SLOT_PORTS of bpf/sockops.c).
const Ports = 2048

// Entry is one entry of the sockhash, the SOCKMAP or the sockhash by cookie.
type Entry struct {
	Key    Key    // sockhash
	Slot   uint32 // SOCKMAP
	Cookie uint64 // of the socket behind it, as SO_COOKIE gives it (socket(7)); by cookie: the key, too

	in kind
}

// kind is the map that an entry is in.
type kind int

const (
	inHash kind = iota
	inMap
	byCookie
)

// ClientPort is the port of the connecting end; of a SOCKMAP's entry only its
// remainder by Ports is known, by cookie nothing (0).
func (e Entry) ClientPort() uint16 {
	switch e.in {
	case inMap:
		return uint16(e.Slot / 2)
	case byCookie:
		return 0
	}
	return e.Key.ClientPort()
}

// Record is the entry as the evidence has it: the raw bytes, and what they mean.
func (e Entry) Record() event.Entry {
	r := event.Entry{T: event.Now(), Cookie: e.Cookie, Value: rawHex(e.Cookie)}
	switch e.in {
	case inMap:
		r.Map, r.Slot, r.Key = "sockmap", e.Slot, rawHex(e.Slot)
	case byCookie:
		r.Map, r.Key = "sockhash by cookie", rawHex(e.Cookie)
	default:
		r.Map, r.Key, r.Local, r.Remote = "sockhash", rawHex(e.Key.Encode()), e.Key.Dst, e.Key.Src
	}
	return r
}

// rawHex is a key or value as it lies in memory.
func rawHex(v any) string {
	b, _ := binary.Append(nil, binary.NativeEndian, v) // of fixed size: cannot fail
	return hex.EncodeToString(b)
}

func (e Entry) String() string {
	switch e.in {
	case inMap:
		return fmt.Sprintf("slot %d, cookie %d", e.Slot, e.Cookie)
	case byCookie:
		return fmt.Sprintf("key and cookie %d", e.Cookie)
	}
	return fmt.Sprintf("%s, cookie %d", e.Key, e.Cookie)
}

// Entries reads the maps. An entry that goes while they are read is left out.
func (a *Accel) Entries() ([]Entry, error) {
	entries, err := a.hashEntries()
	if err != nil {
		return nil, fmt.Errorf("read sockhash: %w", err)
	}
	if a.cookiesUsed {
		more, err := a.cookieEntries()
		if err != nil {
			return nil, fmt.Errorf("read sockhash by cookie: %w", err)
		}
		entries = append(entries, more...)
	}
	// A SOCKMAP is an array: a system call for each slot, empty or not.
	if !a.sockmapUsed {
		return entries, nil
	}
	slots, err := a.mapEntries()
	if err != nil {
		return nil, fmt.Errorf("read sockmap: %w", err)
	}
	return append(entries, slots...), nil
}

func (a *Accel) cookieEntries() ([]Entry, error) {
	var out []Entry
	var key, cookie uint64
	it := a.objs.CookieHash.Iterate()
	for it.Next(&key, &cookie) {
		out = append(out, Entry{Cookie: key, in: byCookie})
	}
	return out, it.Err()
}

func (a *Accel) mapEntries() ([]Entry, error) {
	var out []Entry
	for slot := range a.objs.SockMap.MaxEntries() {
		var cookie uint64
		err := a.objs.SockMap.Lookup(slot, &cookie)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Entry{Slot: slot, Cookie: cookie, in: inMap})
	}
	return out, nil
}

func (a *Accel) hashEntries() ([]Entry, error) {
	var out []Entry
	var raw bpf.SockopsSockKey
	var cookie uint64
	it := a.objs.SockHash.Iterate()
	for it.Next(&raw, &cookie) {
		key, err := DecodeKey(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, Entry{Key: key, Cookie: cookie})
	}
	return out, it.Err()
}

// Plant enters a socket under the key of another: by hand, what an affected
// kernel leaves behind by itself.
func (a *Accel) Plant(k Key, fd uintptr) error {
	if err := a.objs.SockHash.Update(k.Encode(), uint64(fd), ebpf.UpdateNoExist); err != nil {
		return fmt.Errorf("plant entry %s: %w", k, err)
	}
	return nil
}

func (a *Accel) remove(e Entry) (err error) {
	switch e.in {
	case inMap:
		err = a.objs.SockMap.Delete(e.Slot)
	case byCookie:
		err = a.objs.CookieHash.Delete(e.Cookie)
	default:
		err = a.objs.SockHash.Delete(e.Key.Encode())
	}
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("delete entry %s: %w", e, err)
	}
	return nil // gone by itself meanwhile: ENOENT from a sockhash, EINVAL from a SOCKMAP
}

// Refusal is an update that the kernel refused.
type Refusal struct {
	Cookie  uint64        // of the socket that was not inserted
	Key     Key           // under which it was to be
	Errno   syscall.Errno // EEXIST: an entry was there already
	Passive bool          // the accepting end
}

func (r Refusal) String() string {
	end := "connecting"
	if r.Passive {
		end = "accepting"
	}
	return fmt.Sprintf("update for the %s end, %s, refused: %s", end, r.Key, r.Errno.Error())
}

// passiveEstablished is BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB of linux/bpf.h.
const passiveEstablished = 5

// Refused lists the updates that were refused since Reset.
func (a *Accel) Refused() ([]Refusal, error) {
	var out []Refusal
	var cookie uint64
	var raw bpf.SockopsRefusal
	it := a.objs.Refused.Iterate()
	for it.Next(&cookie, &raw) {
		key, err := DecodeKey(raw.Key)
		if err != nil {
			return nil, err
		}
		out = append(out, Refusal{
			Cookie: cookie, Key: key, Errno: syscall.Errno(-raw.Err), Passive: raw.Op == passiveEstablished,
		})
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("read refused updates: %w", err)
	}
	return out, nil
}
