package connect

import (
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/netlab"
)

// Results of an XDP program (linux/bpf.h).
const (
	xdpDrop = 1
	xdpPass = 2
)

// dropsResets is an XDP program that drops IPv4 TCP segments with RST: an
// Ethernet header of 14 bytes, an IP header of 20.
var dropsResets = asm.Instructions{
	asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // xdp_md.data
	asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // xdp_md.data_end
	asm.Mov.Reg(asm.R4, asm.R2),
	asm.Add.Imm(asm.R4, 14+20+20),
	asm.JGT.Reg(asm.R4, asm.R3, "pass"),
	asm.LoadMem(asm.R0, asm.R2, 12, asm.Half), // EtherType, in network order
	asm.JNE.Imm(asm.R0, 0x0008, "pass"),
	asm.LoadMem(asm.R0, asm.R2, 14+9, asm.Byte), // protocol
	asm.JNE.Imm(asm.R0, 6, "pass"),
	asm.LoadMem(asm.R0, asm.R2, 14+20+13, asm.Byte), // flags
	asm.And.Imm(asm.R0, netlab.RST),
	asm.JEq.Imm(asm.R0, 0, "pass"),
	asm.Mov.Imm(asm.R0, xdpDrop),
	asm.Return(),
	asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("pass"),
	asm.Return(),
}

// dropResets has a host lose every RST that comes in on its device, until restore
// is called.
func dropResets(h *netlab.Host) (restore func()) {
	GinkgoHelper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: dropsResets, License: "Dual BSD/GPL"})
	Expect(err).NotTo(HaveOccurred())
	defer prog.Close()
	var l link.Link
	Expect(h.Do(func() error {
		dev, err := net.InterfaceByName(h.Device)
		if err != nil {
			return err
		}
		l, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: dev.Index, Flags: link.XDPGenericMode})
		return err
	})).To(Succeed())
	return func() { Expect(l.Close()).To(Succeed()) }
}
