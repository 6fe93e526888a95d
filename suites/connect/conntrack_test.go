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
		c.vanish = resetUnheard
		// Old numbers beyond the window of the new: as of a connection that has sent
		// fast, or of another client behind the same address.
		c.first, c.again = firstSequence(2<<30), firstSequence(1<<30)
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

// resetUnheard has a client end its connection by a reset that conntrack on the
// server sees, and the server does not. Of a connection that conntrack takes for
// open the next SYN changes nothing; this one it begins anew, with the SYN.
func resetUnheard(client *attempt) {
	GinkgoHelper()
	restore := dropInput(pair.Server, "resets",
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1}, // TCP flags
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{netlab.RST}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0}})
	defer restore()
	before := counter(pair.Server, "IpInReceives")
	Expect(abortOnClose(client.fd)).To(Succeed())
	client.close()
	Eventually(func() uint64 { return counter(pair.Server, "IpInReceives") }).WithTimeout(longEnough()).
		Should(BeNumerically(">", before), "packets that the server has received")
}

// sendQueue is TCP_SEND_QUEUE of TCP_REPAIR_QUEUE (linux/tcp.h).
const sendQueue = 2

// firstSequence has a connection begin with a sequence number: what TCP_REPAIR
// leaves behind of it is taken for the SYN's (tcp_v4_connect).
func firstSequence(seq int) func(fd int) error {
	return func(fd int) error {
		for _, o := range []struct{ option, value int }{
			{unix.TCP_REPAIR, unix.TCP_REPAIR_ON},
			{unix.TCP_REPAIR_QUEUE, sendQueue},
			{unix.TCP_QUEUE_SEQ, seq},
			{unix.TCP_REPAIR, unix.TCP_REPAIR_OFF},
		} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, o.option, o.value); err != nil {
				return err
			}
		}
		return nil
	}
}

// dropState has a host drop IPv4 packets to itself by their conntrack state (nft:
// ct state … drop), until restore is called.
func dropState(h *netlab.Host, state uint32) (restore func()) {
	GinkgoHelper()
	return dropInput(h, "states",
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(state), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)})
}

// dropInput has a host drop IPv4 packets to itself that match, behind conntrack,
// until restore is called.
func dropInput(h *netlab.Host, name string, match ...expr.Any) (restore func()) {
	GinkgoHelper()
	var nft *nftables.Conn
	table := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "krepro-" + name}
	chain := &nftables.Chain{Table: table, Name: "input", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter}
	err := h.Do(func() (err error) {
		if nft, err = nftables.New(nftables.AsLasting()); err != nil {
			return err
		}
		nft.AddTable(table)
		nft.AddChain(chain)
		nft.AddRule(&nftables.Rule{Table: table, Chain: chain,
			Exprs: append(match, &expr.Verdict{Kind: expr.VerdictDrop})})
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
