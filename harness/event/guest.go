package event

// Where the host puts things in the guest, and how PID 1 tells the suite. Both
// sides read these names here.
const (
	// GuestDir holds what the host packs into the initramfs.
	GuestDir = "/krepro"
	// GuestSuites holds one compiled suite a file, named NAME.test.
	GuestSuites = GuestDir + "/suites"
	// GuestBTF is the cut BTF of the guest's kernel: the structs in KernelTypes and no more.
	GuestBTF = GuestDir + "/kernel.btf"
	// GuestBusybox is a static busybox, packed for the shell when the host has one.
	GuestBusybox = GuestDir + "/busybox"
	// GuestPlan is the JSON-encoded Plan for PID 1.
	GuestPlan = GuestDir + "/plan.json"

	// EnvEvents names the file that a suite writes its events to.
	EnvEvents = "KREPRO_EVENTS"
	// EnvBTF names a BTF file to resolve CO-RE relocations against, in place of the kernel's own.
	EnvBTF = "KREPRO_BTF"
	// EnvSize is the size of a suite: quick, default or soak.
	EnvSize = "KREPRO_SIZE"
	// EnvTrigger is the share of trials in which specs with the label thin pull
	// their trigger, above 0 up to 1: a bug that strikes rarely, made to measure.
	EnvTrigger = "KREPRO_TRIGGER"
	// EnvSlow is the factor by which deadlines are stretched (10 under TCG, say).
	EnvSlow = "KREPRO_SLOW"
	// EnvCallGraph, set to anything, asks for call graphs of the kernel.
	EnvCallGraph = "KREPRO_CALL_GRAPH"
	// EnvFentry, set to anything, has fentry observe even where kprobes could.
	EnvFentry = "KREPRO_FENTRY"
	// EnvCommand names krepro's own executable, if it is on board.
	EnvCommand = "KREPRO_COMMAND"
)

// Serial ports of the guest, one writer each.
const (
	PortConsole = "/dev/ttyS0" // kernel log
	PortControl = "/dev/ttyS1" // PID 1
	PortEvents  = "/dev/ttyS2" // the running suite
	PortShell   = "/dev/ttyS3" // a person, in krepro shell
)

// HostedVM, on the kernel's command line, tells the guest that this is a VM: one
// that another program boots over the host's root, and not the host itself.
const HostedVM = "krepro.hosted"

// EndSuite is what the host writes to PortControl when the running suite has
// been silent for too long: PID 1 ends it, as if its time were up.
const EndSuite = "e"

// Plan is what PID 1 does: mount, load the modules in order, run the suites in
// order (or a shell), power off.
type Plan struct {
	Modules []string    `json:"modules"` // paths in the initramfs, dependencies first
	Suites  []SuitePlan `json:"suites"`
	Env     []string    `json:"env"`   // KEY=VALUE for every suite
	Shell   bool        `json:"shell"` // a shell on PortShell in place of the suites
}

// SuitePlan is one suite process.
type SuitePlan struct {
	Name    string   `json:"name"`
	Args    []string `json:"args"`
	Env     []string `json:"env,omitempty"`    // KEY=VALUE for this suite, no key of Plan.Env
	Seconds float64  `json:"seconds"`          // killed after so long; 0 = the host's deadline alone
	Rounds  int      `json:"rounds,omitempty"` // runs one after another; 0 = one
	// UntilFailure ends the rounds after the first in which a spec failed.
	UntilFailure bool `json:"until_failure,omitempty"`
}

// KernelTypes are the kernel structs that the BPF objects relocate against
// (CO-RE). The host cuts them out of the kernel's BTF, so that the guest need
// not parse four to five megabytes of it.
var KernelTypes = []string{"socket", "sock", "sock_common", "proto", "net", "ns_common", "tcp_sock"}
