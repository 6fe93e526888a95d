package fake

import (
	"debug/elf"
	"encoding/binary"
)

// Section is a section of an ELF file.
type Section struct {
	Name string
	Kind elf.SectionType // 0: PROGBITS
	Load bool            // SHF_ALLOC
	Addr uint64
	Data []byte
}

// ELF is an x86-64 ELF file of sections.
func ELF(sections ...Section) []byte {
	names := []byte("\x00.shstrtab\x00")
	b := make([]byte, elfHeader)
	table := make([]byte, sectionSize) // the first is null
	add := func(name uint32, s Section) {
		h := make([]byte, sectionSize)
		binary.LittleEndian.PutUint32(h, name)
		if s.Kind == 0 {
			s.Kind = elf.SHT_PROGBITS
		}
		binary.LittleEndian.PutUint32(h[4:], uint32(s.Kind))
		if s.Load {
			binary.LittleEndian.PutUint64(h[8:], uint64(elf.SHF_ALLOC))
		}
		binary.LittleEndian.PutUint64(h[16:], s.Addr)
		binary.LittleEndian.PutUint64(h[24:], uint64(len(b)))
		binary.LittleEndian.PutUint64(h[32:], uint64(len(s.Data)))
		table = append(table, h...)
		b = append(b, s.Data...)
	}
	for _, s := range sections {
		name := len(names)
		names = append(names, s.Name+"\x00"...)
		add(uint32(name), s)
	}
	add(1, Section{Kind: elf.SHT_STRTAB, Data: names})
	copy(b, "\x7fELF\x02\x01\x01") // 64 bit, little endian, version 1
	binary.LittleEndian.PutUint16(b[16:], uint16(elf.ET_EXEC))
	binary.LittleEndian.PutUint16(b[18:], uint16(elf.EM_X86_64))
	binary.LittleEndian.PutUint32(b[20:], 1)
	binary.LittleEndian.PutUint64(b[40:], uint64(len(b)))
	binary.LittleEndian.PutUint16(b[52:], elfHeader)
	binary.LittleEndian.PutUint16(b[58:], sectionSize)
	binary.LittleEndian.PutUint16(b[60:], uint16(len(table)/sectionSize))
	binary.LittleEndian.PutUint16(b[62:], uint16(len(table)/sectionSize-1))
	return append(b, table...)
}
