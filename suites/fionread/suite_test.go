// Package fionread asks whether FIONREAD tells the truth of a socket that is in
// a sockhash, and whether programs that believe it go on reading: nginx does,
// and waits for ever for the rest of a request whose first read filled its buffer.
package fionread

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/lab"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/sockhash"
)

func TestFionread(t *testing.T) { evidence.Run(t, "fionread") }

const (
	port    = 8080
	batch   = 10                     // connections of a spec: what it looks for strikes each
	timeout = 3 * time.Second        // for what has to work
	overdue = 100 * time.Millisecond // for a reader that waits; then a control is asked
)

var (
	l      *lab.Lab
	hashes *sockhash.Hashes
)

var _ = BeforeSuite(func() {
	var err error
	l, err = lab.OpenUnobserved(1)
	if lacks := lab.Lacks(err); lacks != "" {
		evidence.Untestable(lacks)
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	hashes, err = sockhash.Open()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(hashes.Close)
})

func node() *netlab.Host   { return l.Node }
func remote() *netlab.Host { return l.Remote }
func pod() *netlab.Host    { return l.Pods[0] }
