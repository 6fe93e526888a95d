package features

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/harness/event"
)

// functions are those that krepro observes, or whose names its evidence rests on.
var functions = []string{
	// recvmsg, and the handlers that it may go to
	"inet_recvmsg", "inet6_recvmsg", "tcp_recvmsg", "tcp_bpf_recvmsg", "tcp_bpf_recvmsg_parser",
	// a socket enters a map: the update, its psock, its sk_prot
	"bpf_sock_hash_update", "bpf_sock_map_update", "sock_hash_update_common", "sock_map_update_common",
	"sk_psock_init", "tcp_bpf_get_proto", "tcp_bpf_update_proto", "sk_psock_drop",
	// payload is redirected
	"tcp_bpf_sendmsg", "tcp_bpf_sendmsg_redir",
	// a socket leaves it
	"sock_map_unhash", "sock_map_close", "sock_map_destroy",
	// how sockets die
	"inet_csk_listen_stop", "inet_child_forget", "inet_csk_destroy_sock", "tcp_reset",
	"tcp_disconnect", "tcp_time_wait", "tcp_done",
}

// Functions looks for the functions in the kernel's BTF.
func (p *Prober) Functions() event.Features {
	f := event.Features{Section: event.Functions, Lack: p.noBTF}
	if p.btf == nil {
		return f
	}
	for _, name := range functions {
		enter(&f, name, p.function(name))
	}
	return f
}

// function is nil if the kernel has a function of this name, or several.
func (p *Prober) function(name string) error {
	types, err := p.btf.AnyTypesByName(name)
	isFunc := func(t btf.Type) bool { _, ok := t.(*btf.Func); return ok }
	if errors.Is(err, btf.ErrNotFound) || err == nil && !slices.ContainsFunc(types, isFunc) {
		return ebpf.ErrNotSupported
	}
	return err
}

// newer lists what an enum of the kernel's BTF has beyond the numbers that can
// be asked for.
func (p *Prober) newer(e enum) []event.Unsure {
	var found []event.Unsure
	for number, names := range p.members(e) {
		if number >= len(e.known) {
			found = append(found, event.Unsure{Name: names[0], Why: "it is newer than what krepro can ask for"})
		}
	}
	slices.SortFunc(found, func(a, b event.Unsure) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// Misnamed lists the names of this package that are not the kernel's own.
func (p *Prober) Misnamed() []string {
	var wrong []string
	for _, e := range enums {
		for number, names := range p.members(e) {
			if number > 0 && number < len(e.known) && !slices.Contains(names, e.known[number]) {
				wrong = append(wrong, fmt.Sprintf("%s %d is %v, not %s", e.name, number, names, e.known[number]))
			}
		}
	}
	return wrong
}

// members are the names in an enum of the kernel's BTF by number, written as
// they are here. Values without the prefix are marks, not members.
func (p *Prober) members(e enum) map[int][]string {
	var values *btf.Enum
	if p.btf == nil || p.btf.TypeByName(e.name, &values) != nil {
		return nil
	}
	found := map[int][]string{}
	for _, v := range values.Values {
		if name, ok := strings.CutPrefix(v.Name, e.prefix); ok {
			found[int(v.Value)] = append(found[int(v.Value)], e.as+strings.ToLower(name))
		}
	}
	return found
}
