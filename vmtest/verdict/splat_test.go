package verdict

import (
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	tests := []struct {
		name    string
		console string
		titles  []string // title (kind), in order
	}{
		{"clean boot", `
[    0.000000] Linux version 5.10.0-30-cloud-amd64 (a@b)
[    0.040113] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB attacks!
[    0.350219] PCI: Fatal: No config space access function found
[    0.412003] acpi PNP0A08:00: fail to add MMCONFIG information
[    1.112402] Warning: unable to open an initial console.
[    2.204411] reboot: Power down`, nil},
		{"warning before 6.18", `
[   12.345678] ------------[ cut here ]------------
[   12.345679] WARNING: CPU: 1 PID: 4242 at net/core/stream.c:205 sk_stream_kill_queues+0xd3/0xf0
[   12.345680] Modules linked in: veth
[   12.345690] RIP: 0010:sk_stream_kill_queues+0xd3/0xf0
[   12.345700] Call Trace:
[   12.345710]  <IRQ>
[   12.345720] ---[ end trace 0000000000000000 ]---`, []string{"WARNING in sk_stream_kill_queues (warn)"}},
		{"warning since 6.18", `
[   12.345679][  T101] WARNING: net/core/stream.c:205 at sk_stream_kill_queues.cold+0xd3/0xf0, CPU#1: sockmap.test/101
[   12.345700][  T101] Call Trace:`, []string{"WARNING in sk_stream_kill_queues (warn)"}},
		{"warning with its condition", `
[   12.3] WARNING: [sk_forward_alloc_get(sk)] net/core/stream.c:205 at sk_stream_kill_queues+0xd3/0xf0, CPU#1: a/101`,
			[]string{"WARNING in sk_stream_kill_queues (warn)"}},
		{"two different warnings", `
[   12.0] WARNING: CPU: 1 PID: 4 at net/core/stream.c:205 sk_stream_kill_queues+0xd3/0xf0
[   13.0] WARNING: CPU: 0 PID: 5 at kernel/bpf/core.c:99 bpf_prog_free.part.0.isra.1+0x3/0xf0`,
			[]string{"WARNING in sk_stream_kill_queues (warn)", "WARNING in bpf_prog_free (warn)"}},
		{"oops, repeated by the Oops line and the panic", `
[    5.413371] BUG: kernel NULL pointer dereference, address: 0000000000000060
[    5.413880] #PF: supervisor read access in kernel mode
[    5.414803] Oops: 0000 [#1] SMP NOPTI
[    5.415998] RIP: 0010:sock_map_destroy+0x2e/0x150
[    5.417002] Call Trace:
[    5.418001] ---[ end trace 3f2b1c9d8e7a6b50 ]---
[    5.418333] Kernel panic - not syncing: Fatal exception in interrupt
[    5.419044] ---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---`,
			[]string{"NULL pointer dereference in sock_map_destroy (oops)"}},
		{"page fault", `
[    5.4] BUG: unable to handle page fault for address: ffffa0b1c2d3e4f5
[    5.5] RIP: 0010:sk_psock_put+0x2e/0x150`, []string{"page fault in sk_psock_put (oops)"}},
		{"general protection fault, both spellings", `
[    5.4] general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP PTI
[    5.5] RIP: 0010:sk_psock_drop+0x2e/0x150
[    5.6] a
[    5.6] b
[    5.6] c
[    5.6] d
[    5.6] e
[    5.6] f
[    5.6] g
[    5.6] h
[    5.6] i
[    5.6] j
[    5.6] k
[    7.4] Oops: general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#2] SMP PTI
[    7.5] RIP: 0010:sk_psock_drop+0x2e/0x150`,
			[]string{"general protection fault in sk_psock_drop (oops)", "general protection fault in sk_psock_drop (oops)"}},
		{"kernel BUG", `
[    5.4] kernel BUG at net/core/skbuff.c:110!
[    5.4] invalid opcode: 0000 [#1] SMP NOPTI
[    5.5] RIP: 0010:skb_panic+0x4c/0x4e`, []string{"kernel BUG at net/core/skbuff.c (bug)"}},
		{"KASAN", `
[    5.4] ==================================================================
[    5.4] BUG: KASAN: slab-use-after-free in sock_map_close+0x41a/0x4d0
[    5.4] Read of size 8 at addr ffff88800b1c2d40 by task sockmap.test/143
[    5.4] Call Trace:`, []string{"KASAN: slab-use-after-free in sock_map_close (kasan)"}},
		{"UBSAN", `
[    5.4] UBSAN: array-index-out-of-bounds in net/core/sock_map.c:1011:7
[    5.4] Call Trace:`, []string{"UBSAN: array-index-out-of-bounds in net/core/sock_map.c (kasan)"}},
		{"lockdep", `
[    5.4] ======================================================
[    5.4] WARNING: possible circular locking dependency detected
[    5.4] 5.10.223 #1 Not tainted
[    5.4] stack backtrace:
[    5.4] Call Trace:`, []string{"lockdep: possible circular locking dependency detected (lockdep)"}},
		{"RCU's own check", `
[    5.4] WARNING: suspicious RCU usage`, []string{"lockdep: suspicious RCU usage (lockdep)"}},
		{"RCU stall", `
[   31.4] rcu: INFO: rcu_sched self-detected stall on CPU
[   31.4] rcu: 	0-....: (5249 ticks this GP) idle=c2e/1/0x4000000000000002
[   31.5] Call Trace:`, []string{"RCU stall (stall)"}},
		{"RCU stall seen from another CPU", `
[   31.4] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:`, []string{"RCU stall (stall)"}},
		{"soft lockup", `
[   31.4] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [sockmap.test:143]
[   31.5] RIP: 0010:native_queued_spin_lock_slowpath+0x5e/0x1c0
[   31.5] Call Trace:`, []string{"soft lockup (stall)"}},
		{"hard lockup", `
[   31.4] watchdog: Watchdog detected hard LOCKUP on cpu 1`, []string{"hard lockup (stall)"}},
		{"hung task", `
[  243.4] INFO: task sockmap.test:143 blocked for more than 120 seconds.
[  243.4]       Not tainted 5.10.0-30-cloud-amd64 #1
[  243.4] Call Trace:`, []string{"hung task sockmap.test (hung-task)"}},
		{"sleeping in atomic context", `
[    5.4] BUG: sleeping function called from invalid context at kernel/workqueue.c:3010
[    5.4] Call Trace:`, []string{"BUG: sleeping function called from invalid context at kernel/workqueue.c (bug)"}},
		{"panic of its own", `
[    2.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[    2.1] Call Trace:`, []string{"panic: VFS: Unable to mount root fs on unknown-block(0,0) (panic)"}},
		{"init killed", `
[    2.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b`, []string{"panic: Attempted to kill init! exitcode=ADDR (panic)"}},
		{"leaked network namespace", `
[   42.0] unregister_netdevice: waiting for eth0 to become free. Usage count = 2`,
			[]string{"unregister_netdevice: waiting for a device to become free (bug)"}},
		{"stack without a head", `
[    5.4] something: went wrong
[    5.5] CPU: 0 PID: 1 Comm: init
[    5.6] Call Trace:
[    5.7] RIP: 0033:0x7f0000000000`, []string{"call trace of unknown function (trace)"}},
		{"unreadable MSR is harmless, with its stack", `
[    0.1] unchecked MSR access error: RDMSR from 0x1a2 at rIP: 0xffffffff8106e2f4 (native_read_msr+0x4/0x30)
[    0.1] Call Trace:
[    0.1]  intel_init_thermal+0xa0/0x1b0`, nil},
		{"out of memory is told by the suite's end", `
[    3.5] gorge.test invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
[    3.5] CPU: 1 PID: 131 Comm: gorge.test Not tainted 5.10.0-32-cloud-amd64 #1 Debian 5.10.223-1
[    3.5] Call Trace:
[    3.6] Out of memory: Killed process 128 (gorge.test) total-vm:1702300kB, anon-rss:441012kB`, nil},
		{"no time stamps, carriage returns, level", "<4>WARNING: CPU: 1 PID: 4 at a/b.c:1 foo+0x1/0x2\r\n", []string{"WARNING in foo (warn)"}},
		{"text that mentions one", `
[    5.0] audit: type=1400 msg="BUG: not really"
[    5.1] init: a test said Kernel panic - not syncing: no`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			splats, err := Scan([]byte(test.console))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range splats {
				got = append(got, s.Title+" ("+s.Kind+")")
			}
			if strings.Join(got, "\n") != strings.Join(test.titles, "\n") {
				t.Errorf("got %q, want %q", got, test.titles)
			}
		})
	}
}

func TestScanPlace(t *testing.T) {
	splats, err := Scan([]byte("a\n\n[   12.345678] WARNING: CPU: 1 PID: 4 at a/b.c:1 foo+0x1/0x2\r\nBUG: bar\n"))
	if err != nil || len(splats) != 2 {
		t.Fatalf("%v, %v; want two splats", splats, err)
	}
	if s := splats[0]; s.Line != 3 || s.Time != 12.345678 {
		t.Errorf("line %d, time %v; want 3, 12.345678", s.Line, s.Time)
	}
	if s := splats[1]; s.Line != 4 || s.Time != -1 {
		t.Errorf("line %d, time %v; want 4, -1", s.Line, s.Time)
	}
}

func TestScanNothing(t *testing.T) {
	for _, console := range []string{"", "\n\r\n", "\x00\x00\n"} {
		if splats, err := Scan([]byte(console)); err == nil {
			t.Errorf("Scan(%q) = %v, want an error: nothing was scanned", console, splats)
		}
	}
}

// Every allowed message has its reason, and every head a title that differs by pattern.
func TestPatterns(t *testing.T) {
	for _, a := range allowed {
		if a.reason == "" {
			t.Errorf("%s is allowed without a reason", a.re)
		}
	}
	for _, h := range heads {
		if !strings.HasPrefix(h.re.String(), "^") {
			t.Errorf("%s is not anchored", h.re)
		}
	}
}

// FuzzScan: whatever a dying kernel writes, the scan ends, its places lie in the
// log, and a title is stable under a second normalisation.
func FuzzScan(f *testing.F) {
	f.Add("[    5.4] BUG: unable to handle page fault for address: ffffa0b1c2d3e4f5\nRIP: 0010:f+0x2/0x3\n")
	f.Add("WARNING: CPU: 1 PID: 4 at a/b.c:1 foo+0x1/0x2\r\n\x00\xff[ 1.0")
	f.Fuzz(func(t *testing.T, console string) {
		splats, err := Scan([]byte(console))
		if err != nil && len(splats) > 0 {
			t.Errorf("an error and %d splats", len(splats))
		}
		last, lines := 0, strings.Count(console, "\n")+1
		for _, s := range splats {
			if s.Line <= last || s.Line > lines {
				t.Errorf("splat on line %d after %d of %d lines", s.Line, last, lines)
			}
			last = s.Line
			if s.Title == "" || strings.ContainsAny(s.Title, "\n\r\x00") {
				t.Errorf("title %q", s.Title)
			}
		}
	})
}
