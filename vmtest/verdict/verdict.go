// Package verdict says what the evidence of one VM means: for each spec that
// ran, for each case (a known bug) that was sought, and for the kernel as a
// whole. It is pure: a folder of files in, a [Result] out, the same result for
// the same files every time. It starts no process and knows no kernel but the
// one whose folder it reads.
//
// The evidence is kernel.json, control.jsonl (PID 1), events.jsonl (the
// suites), console.log and exit.json. QEMU's exit status is no evidence: it is
// 0 after a guest panic. Any of the files may be torn or absent; that is a
// finding about the host or the guest and never a pass.
//
// The first row that matches wins:
//
//	evidence                                             verdict       blame   bisect
//	the run was cut short before the answer              cancelled     host    130
//	VM or host I/O failed, evidence missing              infra         host    128
//	the kernel tree cannot be built                      build-fail    kernel tree  125
//	the kernel lacks what the suite needs                untestable    kernel  125
//	a splat with the sought title                        crash         kernel  1
//	PID 1 never reported                                 boot-fail     kernel  125
//	the sought spec failed                               affected/fail kernel  1
//	no end, and the case is a hang                       hang          kernel  1
//	it failed in a way the case does not describe        other-fail    kernel  125
//	another splat, or no end for another reason          other-crash, other-hang  kernel  125
//	the suite died without an end for a begun spec       broken        suite   125
//	a spec's findings and its records disagree           broken        suite   125
//	the sought spec was skipped or never ran             empty         suite   125
//	too few trials to tell                               unsure        –       125
//	it ran and passed, console clean                     unaffected/pass  –    0
//
// What is sought: a case seeks its specs, splat titles or hang. Judged for
// itself, a spec seeks its own failure and every splat in its own time.
package verdict

// Verdict is the answer to one question asked of one kernel.
type Verdict string

// The verdicts, in the order of the table.
const (
	Cancelled  Verdict = "cancelled"
	Infra      Verdict = "infra"
	BuildFail  Verdict = "build-fail"
	Untestable Verdict = "untestable"
	Crash      Verdict = "crash"
	BootFail   Verdict = "boot-fail"
	Affected   Verdict = "affected" // of a case
	Fail       Verdict = "fail"     // of a spec
	Hang       Verdict = "hang"
	OtherFail  Verdict = "other-fail"
	OtherCrash Verdict = "other-crash"
	OtherHang  Verdict = "other-hang"
	Broken     Verdict = "broken"
	Empty      Verdict = "empty"
	Unsure     Verdict = "unsure"
	Unaffected Verdict = "unaffected" // of a case
	Pass       Verdict = "pass"       // of a spec

	// Of an entry in a matrix file that must not stay as it is: an expectation
	// whose time is over, and one for what the run did not have.
	Expired   Verdict = "expired"
	Unmatched Verdict = "never-matched"
)

// Blame says whose fault a verdict is.
type Blame string

// Whom a verdict can blame; a pass blames nobody.
const (
	OnHost   Blame = "host"
	OnTree   Blame = "kernel tree"
	OnKernel Blame = "kernel"
	OnSuite  Blame = "suite"
	OnFile   Blame = "matrix file"
	OnNobody Blame = ""
)

// Exit codes as git bisect run reads them: 0 good, 125 skip, the rest of 1–127
// bad, 128 and above abort. So a fault of the host never leaves by 1–127.
const (
	CodeGood      = 0
	CodeBad       = 1
	CodeSkip      = 125
	CodeInfra     = 128
	CodeCancelled = 130
)

// meaning is what follows from each verdict.
var meaning = map[Verdict]struct {
	blame Blame
	code  int
}{
	Cancelled:  {OnHost, CodeCancelled},
	Infra:      {OnHost, CodeInfra},
	BuildFail:  {OnTree, CodeSkip},
	Untestable: {OnKernel, CodeSkip},
	Crash:      {OnKernel, CodeBad},
	BootFail:   {OnKernel, CodeSkip},
	Affected:   {OnKernel, CodeBad},
	Fail:       {OnKernel, CodeBad},
	Hang:       {OnKernel, CodeBad},
	OtherFail:  {OnKernel, CodeSkip},
	OtherCrash: {OnKernel, CodeSkip},
	OtherHang:  {OnKernel, CodeSkip},
	Broken:     {OnSuite, CodeSkip},
	Empty:      {OnSuite, CodeSkip},
	Unsure:     {OnNobody, CodeSkip},
	Unaffected: {OnNobody, CodeGood},
	Pass:       {OnNobody, CodeGood},
	Expired:    {OnFile, CodeBad},
	Unmatched:  {OnFile, CodeBad},
}

// Judgement is a verdict with what follows from it and the evidence for it.
type Judgement struct {
	Verdict Verdict `json:"verdict"`
	Blame   Blame   `json:"blame,omitempty"`
	Bisect  int     `json:"bisect"` // exit code for git bisect run
	Reason  string  `json:"reason"` // one line that quotes the evidence
}

// Judge makes a judgement; its reason is brought onto one line.
func Judge(v Verdict, reason string) Judgement {
	m := meaning[v]
	return Judgement{Verdict: v, Blame: m.blame, Bisect: m.code, Reason: oneLine(reason)}
}

// Shows tells whether a case's verdict means that the kernel has the bug.
func (v Verdict) Shows() bool { return v == Affected || v == Crash || v == Hang }

// Clear tells whether a case's verdict answers the question at all.
func (v Verdict) Clear() bool { return v.Shows() || v == Unaffected }
