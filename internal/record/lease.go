// Package record keeps account of attempts and requests on the request path:
// leases, counters, histograms. Nothing in it locks or allocates there.
package record

import (
	"math"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Attempts records the attempts of one cluster. Its zero value works.
type Attempts struct {
	Retries         [lb.OutcomeCount]Counter // by the outcome that led to the retry
	BudgetExhausted Counter                  // retries that the budget did not allow
	Hedges          [HedgeOutcomes]Counter
	HedgesRefused   Counter // by the budget
	Shed            [ShedReasons]Counter
	Ring            *Ring // where the decision engine reads the attempts; nil when nobody does
}

// HedgeOutcome is what came of a hedge.
type HedgeOutcome uint8

// The outcomes of hedges.
const (
	HedgeWon    HedgeOutcome = iota // it answered first
	HedgeLost                       // the other attempt did
	HedgeFailed                     // it failed while the other one was under way
	HedgeOutcomes
)

// String returns the outcome's name in metrics.
func (o HedgeOutcome) String() string { return [...]string{"won", "lost", "failed"}[o] }

// ShedReason is why a request was not let in.
type ShedReason uint8

// The reasons.
const (
	ShedLimit   ShedReason = iota // every endpoint at its limit, and no room to wait
	ShedQueue                     // it waited, and others came first
	ShedTimeout                   // it waited as long as it may
	ShedRate                      // its key came too often
	ShedReasons
)

// String returns the reason's name in metrics.
func (r ShedReason) String() string { return [...]string{"limit", "queue", "timeout", "rate"}[r] }

// Lease stands for one attempt at one endpoint, from the pick to its end.
type Lease struct {
	terms    Terms
	inflight int
	ring     *Ring
	soFar    time.Duration
	out      stats.Instant
}

// Terms say which attempt a lease is for.
type Terms struct {
	Endpoint *lb.Endpoint
	Attempt  int // 1 is the first
	Flags    lb.Flags
	Route    int
	Sent     stats.Instant // when the attempt began
	Key      uint64        // hash of the request's key; meaningful with lb.Keyed
}

// Open counts an attempt in. The caller closes the lease exactly once,
// whatever happens.
func (a *Attempts) Open(t Terms) Lease {
	return Lease{terms: t, inflight: t.Endpoint.Live.Begin(), ring: a.Ring}
}

// Endpoint is whom the attempt is made at.
func (l *Lease) Endpoint() *lb.Endpoint { return l.terms.Endpoint }

// Flag adds flags that are known only later.
func (l *Lease) Flag(f lb.Flags) { l.terms.Flags |= f }

// Waited says how long an attempt that is canceled has waited for its answer.
func (l *Lease) Waited(d time.Duration) { l.soFar = d }

// Out says when the attempt is over, where that is later than what Close is
// told: the end of the answer, not its head.
func (l *Lease) Out(now stats.Instant) { l.out = now }

// Close ends the attempt. latency is 0 when no answer's head came.
func (l *Lease) Close(now stats.Instant, latency time.Duration, outcome lb.Outcome) {
	t := &l.terms
	e := t.Endpoint
	e.Stats.Outcomes[outcome].Add(1)
	if latency > 0 {
		e.Stats.Latency.Observe(latency)
	}
	e.Live.End() // after the counters: an endpoint without an attempt under way has counted all of them
	e.Live.Observe(lb.Observation{
		End: now, Latency: latency, Inflight: l.inflight, Outcome: outcome,
		Attempt: t.Attempt, Flags: t.Flags, Route: t.Route,
	})
	if l.ring != nil {
		l.record(now, latency, outcome)
	}
}

// record hands the attempt to the decision engine.
func (l *Lease) record(now stats.Instant, latency time.Duration, outcome lb.Outcome) {
	t := &l.terms
	if latency == 0 {
		latency = l.soFar
	}
	l.ring.Append(&lb.Record{
		Sent: t.Sent, Took: max(max(now, l.out).Sub(t.Sent), 0), Latency: latency, Key: t.Key,
		Endpoint: t.Endpoint.ID, Inflight: uint16(min(max(l.inflight, 0), math.MaxUint16)), Route: uint16(min(max(t.Route, 0), math.MaxUint16)),
		Outcome: outcome, Attempt: uint8(min(max(t.Attempt, 0), math.MaxUint8)), Flags: t.Flags,
	})
}
