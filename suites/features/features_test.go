// Package features probes what the kernel offers to BPF programs and to tracers,
// and sends it to the host, which compares kernels by it. That something is not
// there is no failure. Each spec has a control: something that every kernel has,
// or none; without it an answer would mean nothing.
package features

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/features"
)

func TestFeatures(t *testing.T) { evidence.Run(t, "features") }

var prober *features.Prober

var _ = BeforeSuite(func() { prober = features.New() })

var _ = Describe("BPF", func() {
	It("tells program types and map types", func() {
		programs, maps := prober.ProgramTypes(), prober.MapTypes()
		submit(programs, maps)
		Expect(programs.Yes).To(ContainElements("socket_filter", "kprobe"))
		Expect(maps.Yes).To(ContainElements("hash", "array"))
	})

	It("tells the helpers of each program type", func() {
		for _, programType := range prober.ProgramTypes().Yes {
			helpers := features.Helpers(programType)
			submit(helpers)
			if helpers.Lack == "" {
				Expect(helpers.Yes).To(ContainElement("bpf_map_lookup_elem"), programType)
				Expect(helpers.No).NotTo(BeEmpty(), "no program type has every helper")
			}
		}
	})

	It("has the names that krepro gives it", func() {
		Expect(prober.Misnamed()).To(BeEmpty())
		tally.Trials(1)
	})

	It("tells instructions and map flags", func() {
		instructions := features.Instructions()
		submit(instructions, features.MapFlags())
		Expect(instructions.Yes).To(ContainElement("bounded_loops"), "since 5.3")
	})
})

var _ = Describe("tracing", func() {
	It("tells hooks and iterators", func() { submit(features.Hooks(), prober.Iterators()) })

	It("tells which functions there are", func() {
		functions := prober.Functions()
		submit(functions)
		if functions.Lack == "" {
			Expect(functions.Yes).To(ContainElement("tcp_recvmsg"))
		}
	})

	It("tells tracers and tracepoints", func() {
		submit(features.Tracers())
		submit(features.Tracepoints()...)
	})
})

// submit sends parts to the host, and counts their answers as the spec's trials.
func submit(parts ...event.Features) {
	GinkgoHelper()
	for _, f := range parts {
		Expect(evidence.Record(event.FeaturesRecord, f)).To(Succeed())
		tally.Trials(len(f.Yes) + len(f.No) + len(f.Unsure))
	}
}

var tally *evidence.Tally

var _ = BeforeEach(func() { tally = evidence.NewTally().Watch() })
