package explain

import (
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// Report is one kernel of a run: what its VM left, and the story it makes.
type Report struct {
	Evidence Evidence `json:"evidence"`
	Story    Story    `json:"story"`
}

// Evidence is what one VM left, put in order.
type Evidence struct {
	Kernel event.Kernel `json:"kernel"`
	Suites []Suite      `json:"suites"`
	Torn   int          `json:"torn,omitempty"` // lines of the event channel that are no record, or whose data could not be read
}

// Suite is what one suite recorded.
type Suite struct {
	Name      string              `json:"name"`
	Observers []event.Observer    `json:"observers"`
	Stacks    map[int]event.Stack `json:"stacks"` // by ID
	Specs     []Spec              `json:"specs"`  // in the order they began
}

// Spec is what one spec recorded, Finding one violation that the suite found.
type (
	Spec    = chain.Spec
	Finding = chain.Finding
)

// Case is a known bug, in the words of this package.
type Case struct {
	Name       string
	Title      string
	About      string
	Introduced Change
	Fixed      Change
	Expected   string              // of this kernel by its version: affected, unaffected; empty: nobody knows
	Specs      map[string][]string // suite: specs that show it, for certain or maybe
	Symptoms   []event.Symptom     // by which they show it
}

// Change is a commit and the releases it came with.
type Change struct {
	Commit   string            `json:"commit"`
	Subject  string            `json:"subject"`
	Mainline string            `json:"mainline"`
	Stable   map[string]string `json:"stable,omitempty"` // line: first release, "5.10": 5.10.80
}

// Filter chooses which connection is told.
type Filter struct {
	Spec string // part of a spec's text; empty: any
	Conn string // the client's address "ip:port", its port, or its trial "#7"; empty: the typical one
}

// Story is what the evidence of one kernel says, in the order it is told.
type Story struct {
	Kernel         string         `json:"kernel"`                   // for people: "5.10.218-1 cloud-amd64"
	Headline       string         `json:"headline"`                 // one sentence
	Watched        int            `json:"watched"`                  // connections
	Stuck          int            `json:"stuck"`                    // of them
	Stale          int            `json:"stale"`                    // entries
	Paths          []Path         `json:"paths"`                    // the narrow-down
	Typical        *Chain         `json:"typical,omitempty"`        // one connection; nil: there is no record of any
	Counts         []Count        `json:"counts"`                   // per spec, over all its connections
	Total          event.Coverage `json:"total"`                    // over all specs but those that bring about by hand what the others look for
	Calls          *Calls         `json:"calls,omitempty"`          // nil: no call graph was asked for
	Causes         []Cause        `json:"causes,omitempty"`         // none: nothing is wrong, or no case explains it
	Losses         []string       `json:"losses,omitempty"`         // "1,204 moments lost: …"; none: nothing is known to be lost
	Absent         []Absent       `json:"absent,omitempty"`         // what was not observed
	Contradictions []string       `json:"contradictions,omitempty"` // where findings and records disagree
}

// Path is one row of the narrow-down: a way through the network, and what
// served it.
type Path struct {
	Name     string   `json:"name"`   // "HTTP, node to pod"
	Spec     string   `json:"spec"`   // whole text; empty: the run has no such spec
	Result   string   `json:"result"` // works, fails, not run, no end
	Trials   int      `json:"trials"` // connections, or echo requests
	Failures int      `json:"failures"`
	Stuck    int      `json:"stuck"`
	Client   []string `json:"client,omitempty"` // handlers of the client's recvmsg, most frequent first: "tcp_bpf_recvmsg 20"
	Server   []string `json:"server,omitempty"`
}

// Chain is one connection, told link by link.
type Chain struct {
	Suite      string           `json:"suite"`
	Spec       string           `json:"spec"`
	Title      string           `json:"title"` // which connection, and what became of it
	Stuck      bool             `json:"stuck"`
	Connection event.Connection `json:"connection"`
	Entry      *event.Entry     `json:"entry,omitempty"` // the stale entry that its request went to
	Links      []Link           `json:"links"`           // in the order of time
}

// Where a link took place.
const (
	AtClient = "client"
	AtServer = "server"
	AtMap    = "map"
	AtWire   = "wire"
	AtDead   = "dead socket" // the one behind the stale entry
)

// Link is one thing that happened, and how it is known.
type Link struct {
	T        float64  `json:"t"`                  // seconds since connect(2) of the connection; before it: negative
	Where    string   `json:"where"`              // AtClient and so on
	What     string   `json:"what"`               // one line
	Evidence []string `json:"evidence,omitempty"` // lines: addresses, stack frames, raw bytes
	Inferred bool     `json:"inferred,omitempty"` // concluded from other links, not observed
}

// Calls are what the kernel called below a recvmsg of a good request and of a
// stuck one; of two good ones if none was stuck.
type Calls struct {
	Spec  string          `json:"spec"`
	Left  event.CallGraph `json:"left"`
	Right event.CallGraph `json:"right"`
}

// Count is what one spec's connections were, all of them.
type Count struct {
	Suite    string         `json:"suite"`
	Spec     string         `json:"spec"`
	State    string         `json:"state"`
	Trials   int            `json:"trials"`
	Failures int            `json:"failures"`
	Coverage event.Coverage `json:"coverage"`
}

// Cause is why, as far as it is known.
type Cause struct {
	Text     string `json:"text"`     // one statement
	Inferred bool   `json:"inferred"` // concluded; otherwise read off a record
	Case     string `json:"case,omitempty"`
}

// Absent is an observer that this kernel, or this guest, could not give.
type Absent struct {
	Observer string `json:"observer"`
	Why      string `json:"why"`
}
