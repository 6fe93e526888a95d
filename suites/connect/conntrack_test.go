package connect

import (
	"errors"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

var _ = Describe("a connect from a source port whose old connection the server still has, behind conntrack", Label("challenge", "conntrack", "quick"), func() {
	It("gets through: its reset, which answers a challenge ACK, is not invalid", func() {
		tally := evidence.NewTally().Watch()
		defer dropState(pair.Server, expr.CtStateBitINVALID)()
		c := newChallenge(trackedPort)
		for i := range trials() {
			tally.Trials(1)
			c.try(tally, i, longEnough())
		}
		tally.Submit()
	})
})

var _ = Describe("negative control", Label("control", "conntrack", "quick"), func() {
	It("a rule that drops the SYN by its conntrack state is found out: the connect hangs", func() {
		listen(pair.Server, serverAddr())
		defer dropState(pair.Server, expr.CtStateBitNEW)()
		a := start(pair.Client, netip.AddrPortFrom(pair.Client.V4, refusedPort), serverAddr()).wait(600 * time.Millisecond)
		defer a.close()
		Expect(a.gaveUp).To(BeTrue(), "%s", a)
		evidenceOf(1)
	})
})

// dropState has a host drop IPv4 packets to itself by their conntrack state (nft:
// ct state … drop), until restore is called.
func dropState(h *netlab.Host, state uint32) (restore func()) {
	GinkgoHelper()
	var nft *nftables.Conn
	table := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "krepro"}
	err := h.Do(func() (err error) {
		if nft, err = nftables.New(nftables.AsLasting()); err != nil {
			return err
		}
		nft.AddTable(table)
		chain := nft.AddChain(&nftables.Chain{Table: table, Name: "input", Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
		nft.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
			&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(state), Xor: make([]byte, 4)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}})
		return nft.Flush()
	})
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) {
		evidence.Untestable("nf_tables with ct (CONFIG_NF_TABLES, CONFIG_NFT_CT): " + err.Error())
	}
	Expect(err).NotTo(HaveOccurred())
	return func() {
		nft.DelTable(table)
		Expect(nft.Flush()).To(Succeed())
		Expect(nft.CloseLasting()).To(Succeed())
	}
}
