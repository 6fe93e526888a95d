package debian

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// haveTimeout bounds one question to a pool.
const haveTimeout = 10 * time.Second

// Have tells whether the pool has every package of a kernel, without fetching
// them. An error means that nobody can tell: the pool did not answer.
func (m Mirrors) Have(ctx context.Context, k Kernel) (bool, error) {
	for _, p := range k.Packages {
		if has, err := m.havePackage(ctx, p); !has || err != nil {
			return false, err
		}
	}
	return len(k.Lacks) == 0, nil
}

func (m Mirrors) havePackage(ctx context.Context, p Package) (bool, error) {
	var failed error
	for _, at := range p.At {
		base := m[at.Archive]
		if base == "" {
			continue
		}
		has, err := exists(ctx, base+"/"+at.Path)
		if has {
			return true, nil
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return false, fmt.Errorf("ask the pool for %s: %w", p.Name, failed)
	}
	return false, nil
}

func exists(ctx context.Context, uri string) (bool, error) {
	if file, ok := strings.CutPrefix(uri, "file:"); ok {
		_, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, haveTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, uri, nil)
	if err != nil {
		return false, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusNotFound, http.StatusGone:
		return false, nil
	}
	return false, errors.New(res.Status)
}
