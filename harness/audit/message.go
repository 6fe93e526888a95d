package audit

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// message is a netlink message (netlink(7)).
type message struct {
	kind, flags uint16
	seq         uint32
	data        []byte
}

func (m message) bytes() []byte {
	b := make([]byte, 0, unix.NLMSG_HDRLEN+len(m.data))
	b = binary.NativeEndian.AppendUint32(b, uint32(cap(b)))
	b = binary.NativeEndian.AppendUint16(b, m.kind)
	b = binary.NativeEndian.AppendUint16(b, m.flags)
	b = binary.NativeEndian.AppendUint32(b, m.seq)
	b = binary.NativeEndian.AppendUint32(b, 0) // the kernel knows the port
	return append(b, m.data...)
}

// parse reads a datagram. The audit subsystem puts one message into each, and
// gives a record's own length where others count the header in.
func parse(b []byte) (m message, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, fmt.Errorf("parse netlink message: %d bytes are too few", len(b))
	}
	m.kind = binary.NativeEndian.Uint16(b[4:])
	m.flags = binary.NativeEndian.Uint16(b[6:])
	m.seq = binary.NativeEndian.Uint32(b[8:])
	m.data = b[unix.NLMSG_HDRLEN:]
	if m.kind == unix.NLMSG_ERROR && len(m.data) < 4 {
		return m, fmt.Errorf("parse netlink message: an error of %d bytes", len(m.data))
	}
	return m, nil
}

// errno is what an error message says: 0 is an acknowledgement.
func (m message) errno() unix.Errno {
	return unix.Errno(-int32(binary.NativeEndian.Uint32(m.data)))
}
