package event

// Exit reasons: how a VM ended, as the host saw it. QEMU's own exit status is
// no part of it: it is 0 after a guest panic under -no-reboot.
const (
	ExitDone         = "done"          // the control channel ended with Done and the VM stopped
	ExitBootDeadline = "boot-deadline" // PID 1 did not report in time
	ExitSilence      = "silence"       // no byte on any channel for the silence deadline
	ExitDeadline     = "deadline"      // the whole time was used up
	ExitDied         = "died"          // QEMU ended without a Done record: panic, triple fault
	ExitCancelled    = "cancelled"     // the run was cut short on the host
	ExitHost         = "host"          // QEMU or host I/O failed; Error says how
	ExitBuild        = "build"         // the kernel tree cannot be built; Error says why
)

// Exit is exit.json, written last into a VM's folder.
type Exit struct {
	Reason  string   `json:"reason"`
	Error   string   `json:"error,omitempty"`
	Phase   string   `json:"phase"`            // boot, modules, a suite's name, or done: how far it came
	Spec    string   `json:"spec,omitempty"`   // the spec in flight
	Seconds float64  `json:"seconds"`          // wall time from QEMU's start to its end
	Runner  string   `json:"runner,omitempty"` // what booted the VM: qemu, or another program and its version
	Accel   string   `json:"accel"`            // tcg or kvm
	QEMU    string   `json:"qemu"`             // its version
	Tail    []string `json:"tail,omitempty"`   // last console lines, unless Reason is done
}
