package source

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// imported names the commit that an archive was imported as.
const imported = "refs/heads/imported"

// Imported is what Import put into a repository; false if nothing.
func Imported(ctx context.Context, repo string) (Tree, bool) {
	text, err := git(ctx, nil, "--git-dir="+repo, "log", "-1", "--format=%T %s", imported)
	id, subject, _ := strings.Cut(text, " ")
	return Tree{Repo: repo, ID: id, Subject: subject}, err == nil
}

// Import makes a repository of an archive's files, without its top folder. They
// go from the archive into one pack; no file of them is written. The reference
// that Imported looks for comes last.
func Import(ctx context.Context, repo, subject string, archive *tar.Reader) error {
	// What a killed import left.
	if err := os.RemoveAll(filepath.Join(repo, "objects")); err != nil {
		return fmt.Errorf("import source: %w", err)
	}
	if err := open(ctx, repo, ""); err != nil {
		return err
	}
	// Deltas would be sought between neighbours that have nothing in common.
	cmd := command(ctx, nil, "--git-dir="+repo, "-c", "core.compression=1", "fast-import", "--quiet", "--done", "--depth=0")
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("import source: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("import source: %w", err)
	}
	err = stream(in, subject, archive)
	err = errors.Join(err, in.Close())
	if waitErr := cmd.Wait(); waitErr != nil {
		err = errors.Join(err, &gitError{waitErr, said.String()})
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("import source: %w", err)
	}
	return nil
}

// stream writes an archive in the format of git fast-import.
func stream(to io.Writer, subject string, archive *tar.Reader) error {
	w := bufio.NewWriterSize(to, 1<<20)
	fmt.Fprintf(w, "commit %s\ncommitter krepro <krepro> 0 +0000\ndata %d\n%s\n", imported, len(subject), subject)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := streamFile(w, h, archive); err != nil {
			return err
		}
	}
	fmt.Fprint(w, "done\n")
	return w.Flush()
}

// streamFile writes one entry of an archive.
func streamFile(w *bufio.Writer, h *tar.Header, content io.Reader) error {
	_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
	mode, size := "100644", h.Size
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg:
		if h.Mode&0o111 != 0 {
			mode = "100755"
		}
	case tar.TypeSymlink:
		mode, size, content = "120000", int64(len(h.Linkname)), strings.NewReader(h.Linkname)
	default:
		return fmt.Errorf("%s is of type %q, which no kernel source has", h.Name, h.Typeflag)
	}
	if name == "" || strings.HasPrefix(name, `"`) || strings.Contains(name, "\n") {
		return fmt.Errorf("%q is no name of a source file", h.Name)
	}
	fmt.Fprintf(w, "M %s inline %s\ndata %d\n", mode, name, size)
	if _, err := io.Copy(w, content); err != nil {
		return err
	}
	return w.WriteByte('\n')
}
