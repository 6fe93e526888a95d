package cost

import (
	"slices"
	"strings"
	"testing"
)

func TestMachinery(t *testing.T) {
	for _, test := range []struct {
		functions []string
		want      string
	}{
		{[]string{"pre_handler_kretprobe", "kretprobe_hash_lock", "kretprobe_table_lock"}, HashLocks},   // 5.10
		{[]string{"pre_handler_kretprobe", "rethook_try_get"}, Freelist},                                // 6.1
		{[]string{"pre_handler_kretprobe", "rethook_try_get", "objpool_init", "objpool_free"}, Objpool}, // 6.12
		{[]string{"pre_handler_kretprobe", "kretprobe_table_lock", "objpool_init"}, "both"},             // none
		{[]string{"rethook_try_get", "objpool_init"}, "no kretprobes"},                                  // CONFIG_KRETPROBES off
	} {
		got, err := machinery(func(f string) bool { return slices.Contains(test.functions, f) })
		if err != nil {
			got = err.Error()
		}
		if got == "" || !strings.Contains(got, test.want) {
			t.Errorf("%v: %q, want %q", test.functions, got, test.want)
		}
	}
}

func TestMissed(t *testing.T) {
	const profile = "  inet_csk_accept                                            2               3\n" +
		"  tcp_sendmsg                                               70               0\n" +
		"  twice                                                      1               1\n" +
		"  twice                                                      1               1\n" +
		"  odd                                                        1              -1\n"
	for event, want := range map[string]uint64{"inet_csk_accept": 3, "tcp_sendmsg": 0} {
		if got, err := missed(profile, event); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", event, got, err, want)
		}
	}
	for _, event := range []string{"absent", "twice", "odd", "2"} {
		if got, err := missed(profile, event); err == nil {
			t.Errorf("%s: %d, want an error", event, got)
		}
	}
}

func FuzzMissed(f *testing.F) {
	f.Add("  a  1  2\n", "a")
	f.Fuzz(func(t *testing.T, profile, event string) {
		if n, err := missed(profile, event); err != nil && n != 0 {
			t.Errorf("%d and %v", n, err)
		}
	})
}
