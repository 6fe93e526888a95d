package main

// Subjects of the commits that the tests of bisection are about.
const (
	breaks    = "bpf, sockmap: drop the destroy handler"
	fixes     = "bpf, sockmap: bring the destroy handler back"
	unbuilt   = "net: count the sockets of a map"
	unbooted  = "init: nobody runs before the system does"
	commented = "bpf, sockmap: say what the protocols are for"
	midway    = "proc: the load over fewer digits" // has the bug: end of one search, beginning of the other
)

// changes510 is a history of Linux 5.10.223: single changes as people make them,
// most of them without an effect on sockets. git bisect meets what cannot be
// built, does not boot and changes a comment only (TestBisectionsMeetTheSkips).
var changes510 = []change{
	{subject: "tcp: keepalive on a listener is told in words", file: "net/ipv4/tcp_timer.c",
		old: `"Hmm... keepalive on a LISTEN ???\n"`, new: `"keepalive timer of a listening socket\n"`},
	{subject: "panic: blink at shorter steps", file: "kernel/panic.c",
		old: "PANIC_TIMER_STEP 100", new: "PANIC_TIMER_STEP 50"},
	{subject: "lib: argv_split counts from its first word", file: "lib/argv_split.c",
		old: "	int count = 0;\n	bool was_space;\n", new: "	bool was_space;\n	int count = 0;\n"},
	{subject: "pipe: four buffers at least", file: "fs/pipe.c",
		old: "PIPE_MIN_DEF_BUFFERS 2", new: "PIPE_MIN_DEF_BUFFERS 4"},
	{subject: "proc: idle time in a helper", file: "fs/proc/uptime.c",
		old: "static int uptime_proc_show(", new: "static inline u64 idle_of(int cpu)\n{\n	struct kernel_cpustat kcs;\n\n	kcpustat_cpu_fetch(&kcs, cpu);\n	return get_idle_time(&kcs, cpu);\n}\n\nstatic int uptime_proc_show("},
	{subject: unbuilt, file: "net/core/sock_map.c",
		old: "void sock_map_destroy(struct sock *sk)\n{\n", new: "void sock_map_destroy(struct sock *sk)\n{\n	sock_map_sockets--;\n"},
	{subject: "net: do not count the sockets of a map", file: "net/core/sock_map.c",
		old: "	sock_map_sockets--;\n", new: ""},
	{subject: "Documentation: ip_forward is 0 or 1", file: "Documentation/networking/ip-sysctl.rst",
		old: "ip_forward - BOOLEAN\n", new: "ip_forward - BOOLEAN (0 or 1)\n"},
	{subject: commented, file: "net/ipv4/tcp_bpf.c",
		old: "static void tcp_bpf_rebuild_protos(", new: "/* What sockets in a map have in place of their own. */\nstatic void tcp_bpf_rebuild_protos("},
	{subject: breaks, bug: staleEntry},
	{subject: "audit: larger buffers for records", file: "kernel/audit.c",
		old: "#define AUDIT_BUFSIZ 1024", new: "#define AUDIT_BUFSIZ 2048"},
	{subject: "unix: collect garbage sooner", file: "net/unix/garbage.c",
		old: "UNIX_INFLIGHT_TRIGGER_GC 16000", new: "UNIX_INFLIGHT_TRIGGER_GC 8000"},
	{subject: midway, file: "fs/proc/loadavg.c",
		old: "get_avenrun(avnrun, FIXED_1/200, 0);", new: "get_avenrun(avnrun, FIXED_1/100, 0);"},

	{subject: "igmp: queries more often", file: "net/ipv4/igmp.c",
		old: "(125*HZ)", new: "(100*HZ)"},
	{subject: "tcp_metrics: forget sooner", file: "net/ipv4/tcp_metrics.c",
		old: "(60 * 60 * HZ)", new: "(30 * 60 * HZ)"},
	{subject: "audit: one try more for a daemon", file: "kernel/audit.c",
		old: "#define UNICAST_RETRIES 5", new: "#define UNICAST_RETRIES 6"},
	{subject: "panic: the time to reboot is counted in full seconds", file: "kernel/panic.c",
		old: `"Rebooting in %d seconds..\n"`, new: `"Rebooting in %d seconds\n"`},
	{subject: "proc: the version once more", file: "fs/proc/version.c",
		old: "static int version_proc_show(", new: "static __maybe_unused const char version_name[] = \"version\";\n\nstatic int version_proc_show("},
	{subject: unbooted, file: "init/main.c",
		old: "	kernel_init_freeable();\n	/* need", new: "	BUG_ON(system_state < SYSTEM_RUNNING);\n	kernel_init_freeable();\n	/* need"},
	{subject: "init: somebody has to", file: "init/main.c",
		old: "	BUG_ON(system_state < SYSTEM_RUNNING);\n", new: ""},
	{subject: "lib: argv_split has a last word", file: "lib/argv_split.c",
		old: "			was_space = false;\n			count++;\n", new: "			count++;\n			was_space = false;\n"},
	{subject: "pipe: three buffers will do", file: "fs/pipe.c",
		old: "PIPE_MIN_DEF_BUFFERS 4", new: "PIPE_MIN_DEF_BUFFERS 3"},
	{subject: "unix: collect garbage later", file: "net/unix/garbage.c",
		old: "UNIX_INFLIGHT_TRIGGER_GC 8000", new: "UNIX_INFLIGHT_TRIGGER_GC 12000"},
	{subject: fixes, bug: staleEntry, fixed: true},
	{subject: "igmp: the first report later", file: "net/ipv4/igmp.c",
		old: "IGMP_INITIAL_REPORT_DELAY		(1)", new: "IGMP_INITIAL_REPORT_DELAY		(2)"},
	{subject: "tcp: keepalive on a listener is told in other words", file: "net/ipv4/tcp_timer.c",
		old: `"keepalive timer of a listening socket\n"`, new: `"keepalive of a listening socket\n"`},
}
