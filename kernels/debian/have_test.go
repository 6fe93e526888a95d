package debian

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A pool that has no such file says so; one that fails says nothing of the kernel.
func TestHave(t *testing.T) {
	status := http.StatusOK
	pool := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	m := Mirrors{Main: pool.URL}
	k := Kernel{Packages: []Package{{Name: "linux-image", At: []Location{{Archive: Main, Path: "pool/a.deb"}}}}}
	for _, c := range []struct {
		status      int
		has, failed bool
	}{
		{http.StatusOK, true, false},
		{http.StatusNotFound, false, false},
		{http.StatusServiceUnavailable, false, true},
	} {
		status = c.status
		if has, err := m.Have(t.Context(), k); has != c.has || (err != nil) != c.failed {
			t.Errorf("status %d: %v, %v", c.status, has, err)
		}
	}
	pool.Close()
	if has, err := m.Have(t.Context(), k); has || err == nil {
		t.Errorf("no pool: %v, %v; want an error", has, err)
	}
}
