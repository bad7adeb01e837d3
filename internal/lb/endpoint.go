// Package lb is the vocabulary of load balancing: the endpoint with its live
// counters, what came of an attempt, and the errors that both sides know.
package lb

import (
	"errors"
	"sync/atomic"

	"poise/internal/stats"
)

// ErrNoEndpoint is returned by a picker that has no endpoint to offer.
var ErrNoEndpoint = errors.New("no endpoint is available")

// Policies are the names of the policies, in the order that the documentation
// lists them. "adaptive" is not one of them: it lets the engine choose.
var Policies = []string{
	"round-robin", "random", "least-request", "p2c", "peak-ewma", "hot-cold", "expected-delay",
	"bounded-hash", "ring-hash", "maglev",
}

// Adaptive is what a cluster's policy says when the engine is to choose.
const Adaptive = "adaptive"

// Endpoint is one address that requests are sent to. It is immutable; a
// change of weight makes a new Endpoint with the same Live and Stats. Those
// live as long as the address is in its cluster, through every change of
// policy and every publish, so that any policy can take over warm.
type Endpoint struct {
	ID       uint32 // of the address in its cluster, never given twice; what records name it by
	Cluster  string
	Address  string // host:port
	Weight   int    // configured share, at least 1
	Zone     string
	Priority int    // 0 is used first
	Hash     uint64 // of Address, equal in every process; what hash policies place it by

	Live  *Live  // what pickers read
	Stats *Stats // what people read

	Transport any // what the transport keeps for this address; opaque to everyone else
	Guard     any // what the guard keeps for this address; opaque to everyone else
}

// Live is what the policies know about an endpoint, updated by every attempt
// whatever policy is active.
type Live struct {
	_        [64]byte // apart from the identity above, which is read by every pick
	inflight atomic.Int32
	chosen   atomic.Uint32 // millisecond of the last pick
	_        [56]byte      // apart from what is mostly read: every attempt writes inflight twice
	learnt   learnt        // with the share of failures, which follows it, one line: all that expected-delay reads
	Estimates
	served atomic.Uint32
}

// Inflight returns the number of attempts under way.
func (l *Live) Inflight() int { return int(l.inflight.Load()) }

// Begin counts an attempt in and returns how many were under way before it.
func (l *Live) Begin() int { return int(l.inflight.Add(1)) - 1 }

// End counts an attempt out.
func (l *Live) End() { l.inflight.Add(-1) }

// Stats are an endpoint's counters since it appeared.
type Stats struct {
	Outcomes [OutcomeCount]atomic.Uint64
	Latency  stats.Histogram // of attempts that had an answer's head
	Passed   atomic.Uint64   // health checks
	Failed   atomic.Uint64
	Reports  Reports // of its own load, where the cluster asks for them
}

// Totals are the values of Stats at one moment, to add and subtract.
type Totals struct {
	Outcomes       [OutcomeCount]uint64
	Latency        stats.Snapshot
	Passed, Failed uint64
}

// Totals reads the counters. An attempt that ends at the same moment may be in
// one of them and not yet in the other.
func (s *Stats) Totals() Totals {
	t := Totals{Latency: s.Latency.Snapshot(), Passed: s.Passed.Load(), Failed: s.Failed.Load()}
	for i := range t.Outcomes {
		t.Outcomes[i] = s.Outcomes[i].Load()
	}
	return t
}

// Attempts returns how many attempts were counted.
func (t *Totals) Attempts() (n uint64) {
	for _, o := range t.Outcomes {
		n += o
	}
	return n
}

// Add adds o to t.
func (t *Totals) Add(o *Totals) {
	for i := range t.Outcomes {
		t.Outcomes[i] += o.Outcomes[i]
	}
	t.Latency.Add(&o.Latency)
	t.Passed += o.Passed
	t.Failed += o.Failed
}

// Sub returns t less earlier, which must be earlier totals of the same
// counters.
func (t *Totals) Sub(earlier *Totals) Totals {
	d := Totals{Latency: t.Latency.Sub(&earlier.Latency), Passed: t.Passed - earlier.Passed, Failed: t.Failed - earlier.Failed}
	for i := range d.Outcomes {
		d.Outcomes[i] = t.Outcomes[i] - earlier.Outcomes[i]
	}
	return d
}
