// Package lab joins a cluster of namespaces, socket acceleration and the
// dispatch observer into the one thing that the sockmap suites work on, and
// holds the invariants that every accelerated connection must keep.
package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// Lab is a node with pods whose local connections are accelerated and observed.
type Lab struct {
	*netlab.Cluster
	Accel    *accel.Accel
	Observer *observe.Observer

	captures map[netip.Addr]*netlab.Capture // by the address of the pod on whose device it is
	journal  journal
}

// Which part of Open failed.
var (
	errTopology    = errors.New("build topology")
	errAccelerator = errors.New("install acceleration")
	errObserver    = errors.New("install observer")
	errCapture     = errors.New("install capture")
)

// Open builds it. The endpoints are the node and its pods, not the remote node.
func Open(pods int) (*Lab, error) {
	l, err := OpenUnobserved(pods)
	if err != nil {
		return nil, err
	}
	if err := l.Observe(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, l.tellObservers()
}

// part is a step of building a lab.
type part struct {
	name string
	fail error
	open func() error
}

func (p part) do() error {
	if err := evidence.Timed(p.name, p.open); err != nil {
		return fmt.Errorf("%w: %w", p.fail, err)
	}
	return nil
}

// OpenUnobserved builds a lab that accelerates, and that nobody looks into.
func OpenUnobserved(pods int) (*Lab, error) {
	l := &Lab{}
	for _, p := range []part{
		{"topology", errTopology, func() (err error) { l.Cluster, err = netlab.NewCluster(pods); return err }},
		{"load accelerator", errAccelerator, func() (err error) { l.Accel, err = accel.Open(); return err }},
	} {
		if err := p.do(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if err := l.addEndpoints(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Observe begins to watch sockets and packets.
func (l *Lab) Observe() error {
	for _, p := range []part{
		{"load observer", errObserver, func() (err error) { l.Observer, err = observe.Open(); return err }},
		{"capture", errCapture, l.capture},
	} {
		if err := p.do(); err != nil {
			return errors.Join(err, l.StopObserving())
		}
	}
	return nil
}

// StopObserving ends what Observe began.
func (l *Lab) StopObserving() error {
	var errs []error
	for _, pod := range l.Pods {
		if c := l.captures[pod.V4]; c != nil {
			errs = append(errs, c.Close())
		}
	}
	l.captures = nil
	if l.Observer != nil {
		errs = append(errs, l.Observer.Close())
		l.Observer = nil
	}
	return errors.Join(errs...)
}

// capture starts a capture on each pod's device.
func (l *Lab) capture() error {
	l.captures = map[netip.Addr]*netlab.Capture{}
	for _, pod := range l.Pods {
		c, err := pod.Capture()
		if err != nil {
			return err
		}
		l.captures[pod.V4], l.captures[pod.V6] = c, c
	}
	return nil
}

func (l *Lab) addEndpoints() error {
	var errs []error
	for _, h := range append([]*netlab.Host{l.Node}, l.Pods...) {
		errs = append(errs, l.Accel.AddEndpoint(h.V4), l.Accel.AddEndpoint(h.V6))
	}
	return errors.Join(errs...)
}

// Close takes it all down again.
func (l *Lab) Close() error {
	var errs []error
	if l.Cluster != nil {
		errs = append(errs, l.StopObserving())
	}
	if l.Accel != nil {
		errs = append(errs, l.Accel.Close())
	}
	if l.Cluster != nil {
		errs = append(errs, l.Cluster.Close())
	}
	return errors.Join(errs...)
}

// Begin prepares for a spec: an empty map, accelerated in this way from now on.
func (l *Lab) Begin(c accel.Config) error {
	missed, err := l.Observer.Missed()
	if err != nil {
		return err
	}
	l.journal.reset(missed)
	return errors.Join(l.Accel.Reset(), l.Accel.Configure(c))
}

// Judge enters into the tally what is wrong with a probe's outcome: the answer
// did not come or was another connection's, or a recvmsg at either end went to
// another handler than want. The outcome goes into the journal.
func (l *Lab) Judge(t *evidence.Tally, o probe.Outcome, want string) error {
	w := watched{Outcome: o}
	if s, wrong := symptoms[o.Class]; wrong {
		t.Found(o.Trial, s, "%s; before: %s; after: %s", o, o.Before, o.After)
		w.found(s)
	} else if o.Class != probe.OK {
		t.Found(o.Trial, event.NotAccepted, "%s", o)
		w.found(event.NotAccepted)
	}
	err := errors.Join(
		l.judgeDispatch(t, &w, client, o.Client, want),
		l.judgeDispatch(t, &w, server, o.Server, want),
	)
	l.journal.add(w)
	return err
}

var symptoms = map[probe.Class]event.Symptom{
	probe.ReadTimeout: event.Stuck,
	probe.Crossed:     event.Crossed,
}

func (l *Lab) judgeDispatch(t *evidence.Tally, w *watched, at end, cookie uint64, want string) error {
	if cookie == 0 && w.Class == probe.OK {
		return fmt.Errorf("%s: the %s's socket is not known, so neither is its handler", w, at)
	}
	if cookie == 0 {
		return nil // the connection never came to be, or the server is another process
	}
	handlers, err := l.Observer.Of(cookie)
	if err != nil {
		return err
	}
	w.handlers[at] = handlers
	if len(handlers) == 0 && w.Class == probe.OK {
		return fmt.Errorf("%s: the %s has read, but no recvmsg was observed on its socket %d", w, at, cookie)
	}
	if slices.ContainsFunc(handlers, func(h observe.Handler) bool { return h.Symbol != want }) {
		t.Found(w.Trial, event.WrongHandler, "%s > %s: recvmsg on the %s's socket went to %v, not to %s alone",
			w.Local, w.Remote, at, handlers, want)
		w.found(event.WrongHandler)
	}
	return nil
}

// JudgeUpdates enters every update that the kernel refused since Reset.
func (l *Lab) JudgeUpdates(t *evidence.Tally) error {
	refused, err := l.Accel.Refused()
	if err != nil {
		return err
	}
	for _, r := range refused {
		s := event.UpdateFailed
		if r.Errno == syscall.EEXIST {
			s = event.Exists
		}
		t.Found(trialAt(r.Key.ClientPort()), s, "%s", r)
	}
	counters, err := l.Accel.Counters()
	if err == nil && counters.Unrecorded > 0 {
		err = fmt.Errorf("%d refused updates found no room to be recorded", counters.Unrecorded)
	}
	return err
}
