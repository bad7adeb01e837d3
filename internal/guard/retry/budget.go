// Package retry says what the attempts of a request beyond the first may cost,
// and when they are made: the budget of retries and hedges, the wait before a
// retry, the wait before a hedge.
package retry

import (
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Budget bounds the attempts beyond the first, retries and hedges together, to
// a share of live traffic, so that an outage is not made worse by them.
// Requests put in, retries and hedges take out, and where there is hardly any
// traffic a small floor keeps retries possible. What is saved up is bounded:
// enough for the requests that were under way at an endpoint when it died, not
// enough to double the load on those that are left.
//
// While most attempts of the cluster fail, another one is worth little and a
// request puts in less (Discount). When everything is down that leaves the
// reserve and the floor.
//
// The idea is Finagle's RetryBudget (20 % of requests and 10 a second over
// 10 s); here a token bucket of one word replaces its window, and the floor is
// paid only as far as requests have not put in as much.
type Budget struct {
	all    bucket
	hedges bucket       // a hedge takes out of both
	lost   atomic.Int64 // parts in a million that a request puts in less
	recent atomic.Int64 // put in lately, which the floor need not pay
	last   atomic.Int64 // Instant at which the floor was last paid in
}

const (
	budgetFloor   = 10  // retries a second that are always allowed
	budgetReserve = 100 // retries that can be saved up, and that a cluster starts with
	hedgeReserve  = 10

	token          = 1_000_000
	floorPerMillis = budgetFloor * token / 1000
	recentMost     = budgetFloor * token // one second of the floor
)

// bucket holds tokens, in millionths.
type bucket struct {
	share atomic.Int64 // that one request puts in
	limit atomic.Int64
	left  atomic.Int64
}

// configure sets the share. A bucket that was of no use begins full; one that
// was keeps what it holds, so that reloads make no retries.
func (b *bucket) configure(share float64, reserve int64) {
	old := b.share.Swap(int64(share*token + 0.5))
	switch {
	case share <= 0:
		b.limit.Store(0)
		b.left.Store(0)
	case old == 0:
		b.limit.Store(reserve * token)
		b.left.Store(reserve * token)
	}
}

// put adds what is earned and reports whether there was room.
func (b *bucket) put(earned int64) bool {
	if b.left.Load() >= b.limit.Load() { // a full bucket is only read: no cache line moves
		return false
	}
	b.left.Add(earned)
	return true
}

func (b *bucket) take() bool {
	for {
		left := b.left.Load()
		if left < token {
			return false
		}
		if b.left.CompareAndSwap(left, left-token) {
			return true
		}
	}
}

// NewBudget returns a budget that allows retries for a share of requests, in
// [0, 1]. A share of 0 allows none at all. It allows no hedge.
func NewBudget(share float64) *Budget {
	b := &Budget{}
	b.Configure(share, 0)
	return b
}

// Configure sets the share of retries and that of hedges, in [0, 1]. What is
// saved up stays.
func (b *Budget) Configure(retries, hedges float64) {
	b.all.configure(retries, budgetReserve)
	b.hedges.configure(hedges, hedgeReserve)
}

// WithHedges allows hedges for a share of requests, in [0, 1]. They count as
// retries too, so more hedges than retries are never allowed.
func (b *Budget) WithHedges(share float64) *Budget {
	b.hedges.configure(share, hedgeReserve)
	return b
}

// Request counts one request in.
func (b *Budget) Request() {
	share := b.all.share.Load()
	if share == 0 {
		return
	}
	earned := share - share*b.lost.Load()/token
	if b.all.put(earned) && b.recent.Load() < recentMost {
		b.recent.Add(earned)
	}
	if share := b.hedges.share.Load(); share > 0 {
		b.hedges.put(share)
	}
}

// Discount says what share of the cluster's attempts, in [0, 1], fails now. A
// request puts that much less in.
func (b *Budget) Discount(failing float64) {
	lost := int64(min(max(failing, 0), 1) * token)
	if b.lost.Load() != lost {
		b.lost.Store(lost)
	}
}

// Spend takes one retry out and reports whether there was one.
func (b *Budget) Spend(now stats.Instant) bool {
	if b.all.share.Load() == 0 {
		return false
	}
	b.payFloor(now)
	return b.all.take()
}

// Refund puts one back that was taken and not used.
func (b *Budget) Refund() { b.all.left.Add(token) }

// SpendHedge takes one hedge out and reports whether there was one.
func (b *Budget) SpendHedge(now stats.Instant) bool {
	if b.hedges.share.Load() == 0 || !b.hedges.take() {
		return false
	}
	if b.Spend(now) {
		return true
	}
	b.hedges.left.Add(token)
	return false
}

// payFloor adds what the floor has earned since the last time, less what
// requests have put in meanwhile, up to the reserve.
func (b *Budget) payFloor(now stats.Instant) {
	last := b.last.Load()
	millis := now.Sub(stats.Instant(last)).Milliseconds()
	if millis <= 0 || !b.last.CompareAndSwap(last, last+millis*int64(time.Millisecond)) {
		return
	}
	due := min(millis*floorPerMillis, b.all.limit.Load())
	paid := min(due, max(b.recent.Load(), 0))
	if paid > 0 {
		b.recent.Add(-paid)
	}
	if left, limit := b.all.left.Load(), b.all.limit.Load(); left < limit {
		b.all.left.Add(min(due-paid, limit-left))
	}
}
