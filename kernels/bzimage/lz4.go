package bzimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// legacyBlock is the most that one block of LZ4's legacy frame unpacks to.
const legacyBlock = 8 << 20

var errLZ4 = errors.New("lz4 data is damaged")

// lz4Reader unpacks LZ4's legacy frame, the one that the kernel's build writes:
// after the magic number, blocks of at most 8 MB, each behind its packed length
// (u32, little endian), none referring to another.
type lz4Reader struct {
	in      []byte
	pending []byte
	block   [legacyBlock]byte
}

func (r *lz4Reader) Read(p []byte) (int, error) {
	for len(r.pending) == 0 {
		if len(r.in) == 0 {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

func (r *lz4Reader) next() error {
	if len(r.in) < 4 {
		return fmt.Errorf("%w: block length is cut short", errLZ4)
	}
	length := int(binary.LittleEndian.Uint32(r.in))
	if length > len(r.in)-4 {
		return fmt.Errorf("%w: block of %d bytes with %d left", errLZ4, length, len(r.in)-4)
	}
	n, err := lz4Block(r.block[:], r.in[4:4+length])
	if err != nil {
		return err
	}
	r.pending, r.in = r.block[:n], r.in[4+length:]
	return nil
}

// lz4Block unpacks one block, a sequence of (literals, match) pairs whose last
// pair has no match. It returns how many bytes it wrote.
func lz4Block(dst, src []byte) (int, error) {
	at, out := 0, 0
	for at < len(src) {
		token := src[at]
		at++
		literals, err := lz4Length(int(token>>4), src, &at)
		if err != nil || literals > len(src)-at || literals > len(dst)-out {
			return 0, fmt.Errorf("%w: %d literals at %d", errLZ4, literals, at)
		}
		out += copy(dst[out:], src[at:at+literals])
		at += literals
		if at == len(src) {
			return out, nil
		}
		if len(src)-at < 2 {
			return 0, fmt.Errorf("%w: match at %d is cut short", errLZ4, at)
		}
		back := int(binary.LittleEndian.Uint16(src[at:]))
		at += 2
		length, err := lz4Length(int(token&15), src, &at)
		length += 4
		if err != nil || back == 0 || back > out || length > len(dst)-out {
			return 0, fmt.Errorf("%w: match of %d bytes %d back at %d", errLZ4, length, back, at)
		}
		out = lz4Match(dst, out, back, length)
	}
	return 0, fmt.Errorf("%w: block has no end", errLZ4)
}

// lz4Length adds the bytes that continue a length of 15.
func lz4Length(length int, src []byte, at *int) (int, error) {
	if length < 15 {
		return length, nil
	}
	for *at < len(src) {
		b := src[*at]
		*at++
		length += int(b)
		if b != 255 {
			return length, nil
		}
	}
	return length, errLZ4
}

// lz4Match copies length bytes from back before out. The two may overlap: then
// what was just written repeats.
func lz4Match(dst []byte, out, back, length int) int {
	end := out + length
	for out < end {
		out += copy(dst[out:end], dst[out-back:out])
	}
	return end
}
