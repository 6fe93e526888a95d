// Package fake makes kernels for tests: boot images that are whole but for the
// code in them, packages that hold them, and a signed archive of such packages.
package fake

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// Offsets of the setup header: Documentation/arch/x86/boot.rst.
const (
	headerSize  = 0x1000
	versionAt   = 0x400
	setupSects  = headerSize/512 - 1
	payloadGap  = 64 // loader code in front of the payload
	elfHeader   = 64
	sectionSize = 64
)

// Boot is a boot image of protocol 2.15 with a payload as it is.
func Boot(version string, payload []byte) []byte {
	b := make([]byte, headerSize+payloadGap, headerSize+payloadGap+len(payload))
	b[0x1f1] = setupSects
	copy(b[0x1fe:], "\x55\xaa")
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x206:], 0x020f)
	binary.LittleEndian.PutUint16(b[0x20e:], versionAt-0x200)
	copy(b[versionAt:], version+"\x00")
	binary.LittleEndian.PutUint32(b[0x248:], payloadGap)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(b, payload...)
}

// Sized appends the unpacked size to a packed payload, as the kernel's build
// does for every packing but gzip.
func Sized(packed []byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(packed), uint32(size))
}

// Gzip packs.
func Gzip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Vmlinux is an ELF file with a banner in it and, unless nil, a .BTF section.
func Vmlinux(banner string, rawBTF []byte) []byte {
	sections := []Section{{Name: ".rodata", Load: true, Data: []byte("Linux version %s\x00" + banner + "\x00")}}
	if rawBTF != nil {
		sections = append(sections, Section{Name: ".BTF", Data: rawBTF})
	}
	return ELF(sections...)
}

// BTF is raw BTF with the structs that suites look at, in the shape the kernel
// has them, and a driver's struct of the same name as one of them.
func BTF(t testing.TB) []byte {
	t.Helper()
	b, err := btf.NewBuilder(Types(), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Types are the types in BTF, socket first, and a foreign struct proto last.
func Types() []btf.Type {
	u16 := &btf.Int{Name: "short unsigned int", Size: 2}
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	u8 := &btf.Int{Name: "unsigned char", Size: 1}
	u64 := &btf.Int{Name: "long long unsigned int", Size: 8}
	function := &btf.Pointer{Target: &btf.FuncProto{Return: u32}}
	nsCommon := &btf.Struct{Name: "ns_common", Size: 16, Members: []btf.Member{
		{Name: "ops", Type: function}, {Name: "inum", Type: u32, Offset: 64},
	}}
	big := &btf.Struct{Name: "netns_ipv4", Size: 400, Members: []btf.Member{{Name: "first", Type: u64}}}
	net := &btf.Struct{Name: "net", Size: 424, Members: []btf.Member{
		{Name: "ipv4", Type: big}, {Name: "passive", Type: u64, Offset: 3200}, {Name: "ns", Type: nsCommon, Offset: 3264},
	}}
	possibleNet := &btf.Typedef{Name: "possible_net_t", Type: &btf.Struct{Size: 8, Members: []btf.Member{{Name: "net", Type: &btf.Pointer{Target: net}}}}}
	proto := &btf.Struct{Name: "proto", Size: 48, Members: []btf.Member{
		{Name: "close", Type: function}, {Name: "recvmsg", Type: function, Offset: 64},
		{Name: "name", Type: &btf.Array{Index: u32, Type: u8, Nelems: 32}, Offset: 128},
	}}
	address := &btf.Struct{Size: 8, Members: []btf.Member{{Name: "skc_daddr", Type: u32}, {Name: "skc_rcv_saddr", Type: u32, Offset: 32}}}
	common := &btf.Struct{Name: "sock_common", Size: 64, Members: []btf.Member{
		{Type: &btf.Union{Size: 8, Members: []btf.Member{{Name: "skc_addrpair", Type: u64}, {Type: address}}}},
		{Name: "skc_family", Type: u16, Offset: 64},
		{Name: "skc_reuse", Type: u8, Offset: 80, BitfieldSize: 4},
		{Name: "skc_reuseport", Type: u8, Offset: 84, BitfieldSize: 1},
		{Name: "skc_prot", Type: &btf.Pointer{Target: proto}, Offset: 128},
		{Name: "skc_net", Type: possibleNet, Offset: 192},
		{Name: "skc_cookie", Type: &btf.Typedef{Name: "atomic64_t", Type: &btf.Struct{Size: 8, Members: []btf.Member{{Name: "counter", Type: u64}}}}, Offset: 256},
		{Name: "skc_v6_daddr", Type: &btf.Struct{Name: "in6_addr", Size: 16, Members: []btf.Member{{Name: "lo", Type: u64}, {Name: "hi", Type: u64, Offset: 64}}}, Offset: 320},
	}}
	sock := &btf.Struct{Name: "sock", Size: 72, Members: []btf.Member{{Name: "__sk_common", Type: common}, {Name: "sk_lock", Type: u64, Offset: 512}}}
	socket := &btf.Struct{Name: "socket", Size: 16, Members: []btf.Member{
		{Name: "state", Type: &btf.Enum{Name: "socket_state", Size: 4, Values: []btf.EnumValue{{Name: "SS_FREE", Value: 0}}}},
		{Name: "sk", Type: &btf.Volatile{Type: &btf.Pointer{Target: &btf.Const{Type: sock}}}, Offset: 64},
	}}
	foreign := &btf.Struct{Name: "proto", Size: 4096, Members: []btf.Member{{Name: "recvmsg", Type: u32}}}
	return []btf.Type{socket, foreign}
}
