// Package record keeps account of attempts and requests on the request path:
// leases, counters, histograms. Nothing in it locks or allocates there.
package record

import (
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
	endpoint *lb.Endpoint
	inflight int
	attempt  int
	flags    lb.Flags
	route    int
}

// Terms say which attempt a lease is for.
type Terms struct {
	Endpoint *lb.Endpoint
	Attempt  int // 1 is the first
	Flags    lb.Flags
	Route    int
}

// Open counts an attempt in. The caller closes the lease exactly once,
// whatever happens.
func (*Attempts) Open(t Terms) Lease {
	return Lease{
		endpoint: t.Endpoint, inflight: t.Endpoint.Live.Begin(),
		attempt: t.Attempt, flags: t.Flags, route: t.Route,
	}
}

// Flag adds flags that are known only later.
func (l *Lease) Flag(f lb.Flags) { l.flags |= f }

// Close ends the attempt. latency is 0 when no answer's head came.
func (l *Lease) Close(now stats.Instant, latency time.Duration, outcome lb.Outcome) {
	e := l.endpoint
	e.Stats.Outcomes[outcome].Add(1)
	if latency > 0 {
		e.Stats.Latency.Observe(latency)
	}
	e.Live.End() // after the counters: an endpoint without an attempt under way has counted all of them
	e.Live.Observe(lb.Observation{
		End: now, Latency: latency, Inflight: l.inflight, Outcome: outcome,
		Attempt: l.attempt, Flags: l.flags, Route: l.route,
	})
}
