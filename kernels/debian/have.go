package debian

import (
	"context"
	"net/http"
	"os"
	"strings"
	"time"
)

// haveTimeout bounds one question to a pool.
const haveTimeout = 10 * time.Second

// Have tells whether the pool has every package of a kernel, without fetching
// them. It is for advice: where it cannot tell, it says no.
func (m Mirrors) Have(ctx context.Context, k Kernel) bool {
	for _, p := range k.Packages {
		if !m.havePackage(ctx, p) {
			return false
		}
	}
	return len(k.Lacks) == 0
}

func (m Mirrors) havePackage(ctx context.Context, p Package) bool {
	for _, at := range p.At {
		if base := m[at.Archive]; base != "" && exists(ctx, base+"/"+at.Path) {
			return true
		}
	}
	return false
}

func exists(ctx context.Context, uri string) bool {
	if file, ok := strings.CutPrefix(uri, "file:"); ok {
		_, err := os.Stat(file)
		return err == nil
	}
	ctx, cancel := context.WithTimeout(ctx, haveTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, uri, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
