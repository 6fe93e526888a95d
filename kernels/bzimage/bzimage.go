// Package bzimage takes a Linux x86 boot image apart: which kernel it is, and
// the ELF vmlinux that is packed in it.
//
// A boot image is a real-mode part with the setup header of the Linux/x86 boot
// protocol, followed by a loader that carries the compressed vmlinux as its
// payload. Since protocol 2.08 the header says where the payload lies. Debian
// packs cloud kernels up to 6.1 with LZ4, later ones with Zstandard, and the
// general flavour of 5.10 and 6.1 with XZ. All of them are unpacked here, XZ by
// the xz command: kernels use its x86 filter, which no Go package has.
package bzimage

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// Offsets into the setup header: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
const (
	offSetupSects    = 0x1f1 // u8, 0 means 4
	offBootFlag      = 0x1fe // u16 0xaa55
	offMagic         = 0x202 // "HdrS"
	offProtocol      = 0x206 // u16, 0x020f = 2.15
	offVersion       = 0x20e // u16, version string lies 0x200 behind it; 0 = none
	offPayload       = 0x248 // u32, from the start of the protected-mode part
	offPayloadLength = 0x24c // u32
	headerEnd        = 0x250

	sector = 512
	// maxVersion bounds the version string, maxELF the unpacked vmlinux: stock
	// ones have 45 to 70 MB, debug builds up to 700.
	maxVersion = 512
	maxELF     = 2 << 30
	// xzTimeout is far above the second that a vmlinux takes.
	xzTimeout = 5 * time.Minute
)

// ErrUnsupported says that a payload is packed in a way that is not understood.
// Such a kernel boots all the same, from the boot image.
var ErrUnsupported = errors.New("payload compression is not supported")

// Image is a parsed boot image.
type Image struct {
	Protocol uint16 // boot protocol, 0x020f for 2.15
	// Version is the version string: release, builder, build number, date.
	Version string
	// Payload is the packed vmlinux, a part of the data given to Parse.
	Payload []byte
}

// Parse reads the header of a boot image.
func Parse(data []byte) (*Image, error) {
	if bytes.HasPrefix(data, []byte("\x7fELF")) {
		return nil, errors.New("parse boot image: this is an ELF vmlinux; name the bzImage made of it (arch/x86/boot/bzImage)")
	}
	if len(data) < headerEnd || le16(data, offBootFlag) != 0xaa55 || string(data[offMagic:offMagic+4]) != "HdrS" {
		return nil, errors.New("parse boot image: no x86 setup header, this is no bzImage")
	}
	img := &Image{Protocol: le16(data, offProtocol)}
	if img.Protocol < 0x0208 {
		return nil, fmt.Errorf("parse boot image: boot protocol %d.%02d is older than 2.08", img.Protocol>>8, img.Protocol&0xff)
	}
	if at := int(le16(data, offVersion)); at != 0 && at+0x200 < len(data) {
		text := data[at+0x200 : min(at+0x200+maxVersion, len(data))]
		if end := bytes.IndexByte(text, 0); end >= 0 {
			img.Version = string(text[:end])
		}
	}
	sects := int64(data[offSetupSects])
	if sects == 0 {
		sects = 4
	}
	start := (sects+1)*sector + int64(binary.LittleEndian.Uint32(data[offPayload:]))
	end := start + int64(binary.LittleEndian.Uint32(data[offPayloadLength:]))
	if end > int64(len(data)) || end-start < 16 {
		return nil, fmt.Errorf("parse boot image: payload at %d to %d of %d bytes: the file is cut short", start, end, len(data))
	}
	img.Payload = data[start:end]
	return img, nil
}

// Release is the kernel release, uname -r: the first word of the version.
func (i *Image) Release() string {
	release, _, _ := strings.Cut(i.Version, " ")
	return release
}

// Unpack returns the ELF vmlinux. ErrUnsupported if it is packed with LZO or
// something newer than this package.
func (i *Image) Unpack(ctx context.Context) ([]byte, error) {
	elf, err := i.unpack(ctx)
	if err != nil {
		return nil, fmt.Errorf("unpack vmlinux: %w", err)
	}
	if !bytes.HasPrefix(elf, []byte("\x7fELF")) {
		return nil, errors.New("unpack vmlinux: the payload holds no ELF file")
	}
	return elf, nil
}

// unpack chooses the decompressor by magic. gzip carries the unpacked size in
// its trailer; to all others the kernel's build appends it, four bytes.
func (i *Image) unpack(ctx context.Context) ([]byte, error) {
	p := i.Payload
	if bytes.HasPrefix(p, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(p))
		if err != nil {
			return nil, err
		}
		r.Multistream(false)
		return io.ReadAll(io.LimitReader(r, maxELF))
	}
	p, size := p[:len(p)-4], int64(binary.LittleEndian.Uint32(p[len(p)-4:]))
	if size > maxELF {
		return nil, fmt.Errorf("unpacked size of %d bytes is not plausible", size)
	}
	out := make([]byte, size)
	r, err := reader(ctx, p)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, errors.Join(fmt.Errorf("read %d bytes: %w", size, err), r.Close())
	}
	return out, r.Close()
}

// reader unpacks p, which has no trailer.
func reader(ctx context.Context, p []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(p)
	switch {
	case bytes.HasPrefix(p, []byte{0x02, 0x21, 0x4c, 0x18}):
		return io.NopCloser(lz4.NewReader(in)), nil // its legacy frame
	case bytes.HasPrefix(p, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// The kernel's build packs with a window of up to 128 MB.
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(1<<28), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case bytes.HasPrefix(p, []byte("\xfd7zXZ\x00")):
		return xzReader(ctx, in)
	case bytes.HasPrefix(p, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(in)), nil
	case bytes.HasPrefix(p, []byte{0x5d, 0x00, 0x00}):
		r, err := lzma.NewReader(in)
		return io.NopCloser(r), err
	}
	return nil, fmt.Errorf("%w (it begins with % x)", ErrUnsupported, p[:min(6, len(p))])
}

// xzReader runs the xz command over in; the result is complete, so Close
// reports nothing new.
func xzReader(ctx context.Context, in io.Reader) (io.ReadCloser, error) {
	if _, err := exec.LookPath("xz"); err != nil {
		return nil, fmt.Errorf("find xz: %w; install xz-utils", err)
	}
	ctx, cancel := context.WithTimeout(ctx, xzTimeout)
	defer cancel()
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "xz", "--decompress", "--stdout", "--single-stream")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run xz: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return io.NopCloser(&out), nil
}

func le16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
