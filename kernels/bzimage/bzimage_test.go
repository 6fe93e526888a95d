package bzimage_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/krepro/krepro/kernels/bzimage"
	"github.com/krepro/krepro/kernels/internal/fake"
)

const version = "6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.192-2 (2026-11-16)"

func TestParse(t *testing.T) {
	payload := []byte("a payload of some length")
	img, err := bzimage.Parse(fake.Boot(version, payload))
	if err != nil {
		t.Fatal(err)
	}
	if img.Protocol != 0x020f || img.Version != version || img.Release() != "6.1.0-56-cloud-amd64" || !bytes.Equal(img.Payload, payload) {
		t.Errorf("Parse = %#x %q %q %q", img.Protocol, img.Version, img.Release(), img.Payload)
	}
}

func TestParseRefuses(t *testing.T) {
	old := fake.Boot(version, make([]byte, 100))
	old[0x206] = 0x07
	whole := fake.Boot(version, make([]byte, 100))
	noMagic := bytes.Clone(whole)
	noMagic[0x202] = 'X'
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"empty":     {nil, "no bzImage"},
		"text":      {bytes.Repeat([]byte("x"), 9000), "no bzImage"},
		"no magic":  {noMagic, "no bzImage"},
		"ELF":       {fake.Vmlinux("", nil), "name the bzImage made of it"},
		"old":       {old, "2.07 is older than 2.08"},
		"cut short": {whole[:len(whole)-1], "cut short"},
	} {
		if _, err := bzimage.Parse(c.data); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error is %v, want %q in it", name, err, c.says)
		}
	}
}

// vmlinux has runs, repeats at all distances and noise.
func vmlinux() []byte {
	b := fake.Vmlinux("Linux version 6.1.0", nil)
	seed := uint32(1)
	for i := range 300_000 {
		seed = seed*1664525 + 1013904223
		switch {
		case i%7 < 3:
			b = append(b, byte(seed>>24))
		case i%1000 < 500:
			b = append(b, 0)
		default:
			b = append(b, b[len(b)-1-int(seed>>16)%min(len(b), 60_000)])
		}
	}
	return b
}

func TestUnpack(t *testing.T) {
	want := vmlinux()
	for name, payload := range map[string][]byte{
		"gzip": fake.Gzip(t, want),
		"zstd": fake.Sized(packZstd(t, want), len(want)),
		"lz4":  fake.Sized(packLZ4(want), len(want)),
		"xz":   fake.Sized(pack(t, want, "xz", "--x86", "--lzma2=preset=6"), len(want)), // as scripts/xz_wrap.sh does
		"lzma": fake.Sized(pack(t, want, "xz", "--format=lzma"), len(want)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(t, payload)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("unpacked %d bytes differ from the %d that were packed", len(got), len(want))
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	want := vmlinux()
	lz4 := packLZ4(want)
	damaged := bytes.Clone(lz4)
	for i := 8; i < len(damaged); i += 97 {
		damaged[i] ^= 0xff
	}
	for name, payload := range map[string][]byte{
		"lz4 damaged":   fake.Sized(damaged, len(want)),
		"lz4 cut":       fake.Sized(lz4[:len(lz4)/2], len(want)),
		"too short":     fake.Sized(lz4, len(want)+1),
		"zstd cut":      fake.Sized(packZstd(t, want)[:1000], len(want)),
		"xz cut":        fake.Sized(pack(t, want, "xz")[:1000], len(want)),
		"no ELF in it":  fake.Sized(packLZ4(want[1:]), len(want)-1),
		"absurd length": fake.Sized(lz4, 1<<32-1),
	} {
		if _, err := unpack(t, payload); err == nil || errors.Is(err, bzimage.ErrUnsupported) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	lzo := fake.Sized([]byte("\x89LZO\x00\r\n\x1a\n0123456789"), 100)
	if _, err := unpack(t, lzo); !errors.Is(err, bzimage.ErrUnsupported) {
		t.Errorf("lzo: error is %v, want ErrUnsupported", err)
	}
}

func unpack(t *testing.T, payload []byte) ([]byte, error) {
	t.Helper()
	img, err := bzimage.Parse(fake.Boot(version, payload))
	if err != nil {
		t.Fatal(err)
	}
	return img.Unpack(context.Background())
}

func packZstd(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func pack(t *testing.T, data []byte, command ...string) []byte {
	t.Helper()
	cmd := exec.Command(command[0], append(command[1:], "--stdout")...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pack with %v: %v", command, err)
	}
	return out
}

// packLZ4 writes LZ4's legacy frame with blocks of 100 kB, by a greedy search
// over hashes of four bytes. Slow and simple, so that it checks the reader.
func packLZ4(data []byte) []byte {
	out := []byte{0x02, 0x21, 0x4c, 0x18}
	for len(data) > 0 {
		block := data[:min(100_000, len(data))]
		data = data[len(block):]
		packed := packLZ4Block(block)
		out = fake.Sized(out, len(packed))
		out = append(out, packed...)
	}
	return out
}

func packLZ4Block(src []byte) (out []byte) {
	last := map[string]int{}
	start := 0
	for at := 0; at+12 < len(src); {
		key := string(src[at : at+4])
		from, seen := last[key]
		last[key] = at
		if !seen || at-from > 0xffff {
			at++
			continue
		}
		length := 4
		for at+length < len(src)-5 && src[from+length] == src[at+length] {
			length++
		}
		out = appendSequence(out, src[start:at], at-from, length)
		at += length
		start = at
	}
	return appendSequence(out, src[start:], 0, 0)
}

func appendSequence(out, literals []byte, back, length int) []byte {
	token := byte(min(len(literals), 15) << 4)
	if length > 0 {
		token |= byte(min(length-4, 15))
	}
	out = append(appendLength(append(out, token), len(literals)), literals...)
	if length > 0 {
		out = appendLength(append(out, byte(back), byte(back>>8)), length-4)
	}
	return out
}

func appendLength(out []byte, n int) []byte {
	if n < 15 {
		return out
	}
	for n -= 15; n >= 255; n -= 255 {
		out = append(out, 255)
	}
	return append(out, byte(n))
}
