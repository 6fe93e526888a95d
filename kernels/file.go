package kernels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/krepro/krepro/kernels/debian"
)

// getFile makes an image of a file: a .deb, or a boot image.
func (s *Store) getFile(ctx context.Context, ref Ref) (*Image, error) {
	if strings.HasSuffix(ref.Path, ".deb") {
		return s.getDeb(ctx, ref)
	}
	return s.getBoot(ctx, ref)
}

// getDeb makes an image of a package file and, if it is part of a split kernel,
// of the other parts beside it.
func (s *Store) getDeb(ctx context.Context, ref Ref) (*Image, error) {
	debs, err := parts(ctx, ref)
	if err != nil {
		return nil, err
	}
	var files []Origin
	for _, deb := range debs {
		sum, err := hashFile(deb)
		if err != nil {
			return nil, err
		}
		files = append(files, Origin{Name: filepath.Base(deb), SHA256: sum})
	}
	id := idOf(files)
	if img, err := s.cached(id); img != nil || err != nil {
		return img, err
	}
	return s.fill(ctx, id, func(dir string) (*Image, error) {
		s.say("unpacking %s", ref.Path)
		img := &Image{Packages: files}
		err := img.unpack(ctx, dir, debs)
		if errors.Is(err, errNoKernel) {
			return nil, &RefError{ref.Text, errNoKernel.Error(), "name a linux-image package"}
		}
		if err != nil {
			return nil, err
		}
		img.name(id)
		return img, nil
	})
}

// parts lists the package files that make the kernel of a .deb.
func parts(ctx context.Context, ref Ref) ([]string, error) {
	given, err := control(ctx, ref.Path)
	if err != nil {
		return nil, &RefError{ref.Text, err.Error(), "name a linux-image package"}
	}
	names := debian.Parts(given["package"], given["version"], given["depends"])
	if names == nil {
		return []string{ref.Path}, nil
	}
	var files []string
	for _, name := range names {
		pattern := name + "_" + given["version"] + "_*.deb"
		found, err := filepath.Glob(filepath.Join(filepath.Dir(ref.Path), pattern))
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", pattern, err)
		}
		if len(found) == 0 {
			return nil, &RefError{ref.Text, "this is one part of a kernel that is split into several packages", "put " + pattern + " beside it"}
		}
		files = append(files, found[0])
	}
	return files, nil
}

// control reads a package's control fields, names in lower case.
func control(ctx context.Context, deb string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, unpackTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--field", deb)
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("read package: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return debian.ParseControl(bytes.NewReader(text)), nil
}

var (
	// The banner's end, "… SMP Debian 5.10.218-1 (2024-06-01)": Debian's compiler
	// stands in it too, before that.
	debianBuild  = regexp.MustCompile(`Debian (\d[^\s()]*-[^\s()]+) \(\d{4}-\d\d-\d\d\)`)
	upstreamForm = regexp.MustCompile(`^\d+\.\d+(\.\d+)?(-rc\d+)?`)
)

// name sets what identifies a kernel that came as a file. Releases of Debian do
// not tell the version (5.10.0-30), their banner does.
func (i *Image) name(id string) {
	i.Source = "file"
	i.Name = fmt.Sprintf("file-%s-%s", i.Release, id[:8])
	i.Version = upstreamForm.FindString(i.Release)
	i.Flavour = flavourOf(i.Release)
	if m := debianBuild.FindStringSubmatch(i.Banner); m != nil {
		i.Package, i.Version = m[1], debian.Upstream(m[1])
	}
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
