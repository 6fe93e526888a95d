// Package matrix is what a matrix file (krepro.yaml) means: which kernels are
// asked what, what is expected of them, and how the work is shared out over
// machines and joined again. docs/matrix.md is the manual of the file.
//
// It is pure: text and results in, plans and judgements out. It starts nothing
// and reads no file; what kernels and suites there are it is told.
//
//	Parse       a file, strictly, with line and column of each mistake
//	Cells       the VMs that a file asks for, each of which stands for itself
//	Split       these shared out over machines, the same way on all of them
//	Durations   how long VMs took, for order and estimate
//	Expect      what the file says of one kernel, against the corpus of cases
//	Entries     whether the expectations are still needed
//	Join        the shards of a run, if they fit together
package matrix
