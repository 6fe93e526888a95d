package event

// FeaturesRecord carries a part of what a kernel offers, as a suite probed it.
// Data: Features.
const FeaturesRecord Kind = "features"

// Sections of what a kernel offers. An item's name is the kernel's own.
const (
	ProgramTypes = "program types" // bpf.h, without BPF_PROG_TYPE_, lower case
	MapTypes     = "map types"     // bpf.h, without BPF_MAP_TYPE_, lower case
	Helpers      = "helpers"       // of the program type in Of
	Instructions = "instructions"  // what a BPF program may consist of
	MapFlags     = "map flags"     // bpf.h
	Hooks        = "hooks"         // ways to attach a BPF program to what the kernel does
	Iterators    = "iterators"     // targets of bpf_iter
	Functions    = "functions"     // of the kernel, those that krepro's observers care for
	Tracers      = "tracers"       // of ftrace
	Tracepoints  = "tracepoints"   // of the subsystem in Of
)

// FeatureSections are all sections, in the order in which people read them. A
// probe is whole when it has a part of each, and helpers of each program type
// that is there.
var FeatureSections = []string{ProgramTypes, MapTypes, Helpers, Instructions, MapFlags,
	Hooks, Iterators, Functions, Tracers, Tracepoints}

// Features is one part of a section. A name that stands in none of the lists is
// not there.
type Features struct {
	Section string   `json:"section"`
	Of      string   `json:"of,omitempty"`
	Yes     []string `json:"yes,omitempty"`
	No      []string `json:"no,omitempty"`     // asked for, and not there
	Unsure  []Unsure `json:"unsure,omitempty"` // asked for, and the answer tells neither
	Lack    string   `json:"lacks,omitempty"`  // why nothing of this part can be told; then the lists are empty
}

// Unsure is an item of which cannot be told whether it is there.
type Unsure struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}
