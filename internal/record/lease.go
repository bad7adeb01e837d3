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
}

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
