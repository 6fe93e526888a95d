package verdict

import "regexp"

// head is the first line of a kernel's complaint. Patterns are anchored: text
// that merely mentions one is none. The first that matches wins, so what is
// particular stands before what is general.
type head struct {
	kind   string
	re     *regexp.Regexp
	title  string // with $1 … from the pattern; {rip} = function of the register dump that follows
	within int    // no head of its own this many lines after another: it repeats or belongs to that one
}

var heads = []head{
	// lockdep and RCU's own checks.
	{"lockdep", regexp.MustCompile(`^WARNING: ((?:possible|inconsistent|bad|suspicious|held|lock held|Nested lock|[\w-]+-safe) .*)`), "lockdep: $1", 0},
	{"lockdep", regexp.MustCompile(`^INFO: (trying to register non-static key)`), "lockdep: $1", 0},

	// WARN_ON: the place stood last until 6.17 and stands first since.
	{"warn", regexp.MustCompile(`^WARNING: CPU: \d+ PID: \d+ at \S+:\d+ ([\w.]+)`), "WARNING in $1", 0},
	{"warn", regexp.MustCompile(`^WARNING: CPU: \d+ PID: \d+ at (\S+):\d+`), "WARNING at $1", 0},
	{"warn", regexp.MustCompile(`^WARNING: (?:\[.*\] )?\S+:\d+ at ([\w.]+)`), "WARNING in $1", 0},
	{"warn", regexp.MustCompile(`^WARNING: (.*)`), "WARNING: $1", 0},

	{"kasan", regexp.MustCompile(`^BUG: (KASAN|KMSAN|KCSAN|KFENCE): (.*? in [\w.]+)`), "$1: $2", 0},
	{"kasan", regexp.MustCompile(`^UBSAN: (\S+) in (\S+?):\d+`), "UBSAN: $1 in $2", 0},

	// Stalls. On a starved host the kernel may be innocent of these.
	{"stall", regexp.MustCompile(`^watchdog: BUG: soft lockup`), "soft lockup", 0},
	{"stall", regexp.MustCompile(`^(?:NMI )?watchdog: .*hard LOCKUP`), "hard lockup", 0},
	{"stall", regexp.MustCompile(`^(?:rcu: )?INFO: rcu\w* (?:self-detected|detected)(?: expedited)? stall`), "RCU stall", 0},
	{"stall", regexp.MustCompile(`^BUG: workqueue lockup`), "workqueue lockup", 0},
	{"hung-task", regexp.MustCompile(`^INFO: task (.+?):\d+ blocked (?:in I/O wait |on an? \w+ )?(?:likely owned .*)?for more than`), "hung task $1", 0},

	// Faults. The Oops line repeats the BUG line some lines above it.
	{"bug", regexp.MustCompile(`^kernel BUG at (\S+?):\d+`), "kernel BUG at $1", 0},
	{"oops", regexp.MustCompile(`^BUG: kernel NULL pointer dereference`), "NULL pointer dereference in {rip}", 0},
	{"oops", regexp.MustCompile(`^BUG: unable to handle (?:page fault|kernel paging request|kernel NULL pointer)`), "page fault in {rip}", 0},
	{"oops", regexp.MustCompile(`^(?:Oops: |traps: PANIC: )?(general protection fault|divide error|invalid opcode|stack segment|stack guard page|double fault|alignment check|int3)\b`), "$1 in {rip}", reachOops},
	{"oops", regexp.MustCompile(`^Oops: `), "Oops in {rip}", reachOops},
	{"bug", regexp.MustCompile(`^BUG: (.*)`), "BUG: $1", 0},

	// A panic over a splat that stands above says nothing new; one of its own does.
	{"panic", regexp.MustCompile(`^Kernel panic - not syncing: (Fatal exception|.*panic_on_warn set|softlockup: hung tasks|hung_task: blocked tasks|RCU Stall)`), "panic: $1", reachBlock},
	{"panic", regexp.MustCompile(`^Kernel panic - not syncing: (.*)`), "panic: $1", 0},

	{"bug", regexp.MustCompile(`^unregister_netdevice: waiting for \S+ to become free`), "unregister_netdevice: waiting for a device to become free", 0},

	// A stack that no head above explains.
	{"trace", regexp.MustCompile(`^Call Trace:`), "call trace of {rip}", reachBlock},
}

// allowed are messages that look like a complaint, or bring a call trace, and
// are known to mean no harm. Each has its reason, and when it can go.
var allowed = []struct {
	re     *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^unchecked MSR access error: (?:RDMSR|WRMSR)`),
		"the kernel tries a register that the emulated CPU lacks, and goes on; can go when no emulated CPU is used"},
	{regexp.MustCompile(`^\S.* invoked oom-killer: `),
		"the guest's memory did not suffice: the suite's end says so, and is judged; stays"},
	{regexp.MustCompile(`^sysrq: Show `),
		"somebody asked for the stacks, from the shell; can go when the shell does"},
}

// oom is what the kernel says when the guest's memory did not suffice. It is no
// splat: it explains why a suite died.
var oom = regexp.MustCompile(`^Out of memory: Killed process \d+ \((\S+)\)`)
