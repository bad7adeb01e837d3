// Package balance defines what a policy is. Each policy is a subpackage.
package balance

import (
	"slices"
	"sync/atomic"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Picker chooses the endpoint for one attempt. It is one policy over one
// snapshot of a cluster: immutable but for what it shares with its
// successors (a Cursor, the endpoints' live counters). Pick is called by many
// goroutines at once and must not block or allocate.
type Picker interface {
	// Pick returns lb.ErrNoEndpoint when no endpoint is left.
	Pick(PickInfo) (*lb.Endpoint, error)
}

// Scorer is a Picker that compares endpoints by a number, so that people can
// see why one was picked. The lowest is picked, of those that the policy looks
// at.
type Scorer interface {
	// Score returns what the policy makes of e for a request, lower is better.
	// The unit is the policy's own. Score is for people: it need not be fast.
	Score(PickInfo, *lb.Endpoint) float64
}

// PickInfo is what a pick may depend on.
type PickInfo struct {
	Now     stats.Instant
	Dice    *stats.Dice    // the caller's own, never nil
	Key     uint64         // hash of the request's key; meaningful with HasKey
	HasKey  bool           // without a key the hash policies choose at random
	Exclude []*lb.Endpoint // already tried for this request; rarely more than one

	Idempotent bool // does no harm when it is answered late: may be sent where it is slow, to find out whether it still is
}

// Excluded reports whether e was tried before.
func (p *PickInfo) Excluded(e *lb.Endpoint) bool {
	return slices.Contains(p.Exclude, e)
}

// Set is what a picker is built over.
type Set struct {
	Members  []*lb.Endpoint // all of the cluster, in a stable order
	Eligible []*lb.Endpoint // those that may be picked now, in the same order
	Cursor   *Cursor        // survives publishes and policy changes

	Affinity *lb.Affinity // what is known of keys; nil for nothing
}

// Cursor is the state that must survive a publish: where round-robin stands.
type Cursor struct{ next atomic.Uint64 }

// Next returns 0, 1, 2, … to all callers together.
func (c *Cursor) Next() uint64 { return c.next.Add(1) - 1 }

// At returns what Next will return, and takes no turn.
func (c *Cursor) At() uint64 { return c.next.Load() }

// MoveTo makes Next return at.
func (c *Cursor) MoveTo(at uint64) { c.next.Store(at) }

// Options are the parameters of all policies. The zero value is the
// recommended configuration.
type Options struct {
	FailureCost time.Duration // what a failure weighs in a latency estimate; 0 means 2s
	HashBalance float64       // bounded-hash: most load of an endpoint over the mean, above 1; 0 means 1.25
	HotQuantile float64       // hot-cold: in-flight quantile above which an endpoint is hot, (0,1); 0 means 0.84
}

// WithDefaults returns o with every zero replaced by what it means.
func (o Options) WithDefaults() Options {
	if o.FailureCost == 0 {
		o.FailureCost = 2 * time.Second
	}
	if o.HashBalance == 0 {
		o.HashBalance = 1.25
	}
	if o.HotQuantile == 0 {
		o.HotQuantile = 0.84
	}
	return o
}

// Builder makes a policy's picker over a set.
type Builder func(Set, Options) Picker
