package features

import (
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/krepro/krepro/harness/event"
)

// ProgramTypes asks for every program type.
func (p *Prober) ProgramTypes() event.Features {
	f := event.Features{Section: event.ProgramTypes}
	for number, name := range programTypes {
		if name != "" {
			enter(&f, name, features.HaveProgramType(ebpf.ProgramType(number)))
		}
	}
	f.Unsure = append(f.Unsure, p.newer(programTypeEnum)...)
	return f
}

// MapTypes asks for every map type.
func (p *Prober) MapTypes() event.Features {
	f := event.Features{Section: event.MapTypes}
	for number, name := range mapTypes {
		if name != "" {
			enter(&f, name, features.HaveMapType(ebpf.MapType(number)))
		}
	}
	f.Unsure = append(f.Unsure, p.newer(mapTypeEnum)...)
	return f
}

// noProbe is how the library says that it cannot ask for helpers of a type.
const noProbe = "no feature probe for"

// Helpers asks for every helper in a program type that the kernel has.
func Helpers(programType string) event.Features {
	f := event.Features{Section: event.Helpers, Of: programType}
	pt := numberOf(programType)
	for number, name := range helpers {
		if name == "" {
			continue
		}
		err := features.HaveProgramHelper(pt, asm.BuiltinFunc(number))
		if err != nil && strings.Contains(err.Error(), noProbe) {
			return event.Features{Section: event.Helpers, Of: programType, Lack: "there is no probe for their helpers"}
		}
		enter(&f, name, err)
	}
	return f
}

// numberOf is the program type of a name; 0, which no kernel has, if there is none.
func numberOf(programType string) ebpf.ProgramType {
	for number, name := range programTypes {
		if name == programType {
			return ebpf.ProgramType(number)
		}
	}
	return ebpf.UnspecifiedProgram
}

// Instructions asks what a program may consist of, by the names that bpftool
// feature probe has.
func Instructions() event.Features {
	f := event.Features{Section: event.Instructions}
	enter(&f, "large_insn_limit", features.HaveLargeInstructions())
	enter(&f, "bounded_loops", features.HaveBoundedLoops())
	enter(&f, "v2_isa", features.HaveV2ISA())
	enter(&f, "v3_isa", features.HaveV3ISA())
	enter(&f, "v4_isa", features.HaveV4ISA())
	return f
}

// MapFlags asks for flags of BPF_MAP_CREATE.
func MapFlags() event.Features {
	f := event.Features{Section: event.MapFlags}
	enter(&f, "BPF_F_NO_PREALLOC", features.HaveMapFlag(features.BPF_F_NO_PREALLOC))
	enter(&f, "BPF_F_RDONLY_PROG", features.HaveMapFlag(features.BPF_F_RDONLY_PROG))
	enter(&f, "BPF_F_WRONLY_PROG", features.HaveMapFlag(features.BPF_F_WRONLY_PROG))
	enter(&f, "BPF_F_MMAPABLE", features.HaveMapFlag(features.BPF_F_MMAPABLE))
	enter(&f, "BPF_F_INNER_MAP", features.HaveMapFlag(features.BPF_F_INNER_MAP))
	return f
}
