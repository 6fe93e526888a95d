package report

import "github.com/krepro/krepro/vmtest/verdict"

// words says in half a line what each verdict means, in the order of the
// verdicts' table.
var words = []struct {
	verdict verdict.Verdict
	means   string
}{
	{verdict.Affected, "has the bug"},
	{verdict.Unaffected, "asked, and free of it"},
	{verdict.Cancelled, "the run was cut short before the answer"},
	{verdict.Infra, "the host failed, or evidence is missing"},
	{verdict.BuildFail, "the kernel tree cannot be built"},
	{verdict.Untestable, "the kernel lacks what the specs need"},
	{verdict.Crash, "the kernel complained as the bug makes it"},
	{verdict.BootFail, "the kernel never came up"},
	{verdict.Hang, "hung, and the bug is a hang"},
	{verdict.OtherFail, "failed in another way than the bug does"},
	{verdict.OtherCrash, "crashed in another way"},
	{verdict.OtherHang, "came to no end for another reason"},
	{verdict.Broken, "the suite is at fault"},
	{verdict.Empty, "nothing was asked: no pass"},
	{verdict.Unsure, "too few trials to tell"},
	{verdict.Fail, "the spec failed"},
	{verdict.Pass, "the spec passed"},
	{verdict.Expired, "an expectation whose time is over"},
	{verdict.Unmatched, "an expectation that nothing matched"},
}
