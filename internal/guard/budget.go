// Package guard protects single requests, whatever policy is active.
package guard

import (
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Budget bounds retries to a share of live traffic, so that an outage is not
// made worse by them. Requests put in, retries take out, and a small floor per
// second keeps retries possible where there is hardly any traffic. What is
// saved up is bounded: enough for the requests that were under way at an
// endpoint when it died, not enough to double the load on those that are left.
//
// The idea is Finagle's RetryBudget (20 % of requests and 10 a second over
// 10 s); here a token bucket of one word replaces its window.
type Budget struct {
	share int64 // thousandths of a retry that one request puts in
	limit int64 // thousandths
	left  atomic.Int64
	last  atomic.Int64 // Instant at which the floor was last paid in
}

const (
	budgetFloor    = 10  // retries a second that are always allowed
	budgetReserve  = 100 // retries that can be saved up, and that a cluster starts with
	thousandth     = 1000
	floorPerMillis = budgetFloor * thousandth / 1000
)

// NewBudget returns a budget that allows retries for a share of requests, in
// [0, 1]. A share of 0 allows none at all.
func NewBudget(share float64) *Budget {
	b := &Budget{share: int64(share * thousandth)}
	if b.share > 0 {
		b.limit = budgetReserve * thousandth
		b.left.Store(b.limit)
	}
	return b
}

// Request counts one request in.
func (b *Budget) Request() {
	if b.share == 0 {
		return
	}
	if b.left.Load() < b.limit { // a full bucket is only read: no cache line moves
		b.left.Add(b.share)
	}
}

// Spend takes one retry out and reports whether there was one.
func (b *Budget) Spend(now stats.Instant) bool {
	if b.share == 0 {
		return false
	}
	b.payFloor(now)
	for {
		left := b.left.Load()
		if left < thousandth {
			return false
		}
		if b.left.CompareAndSwap(left, left-thousandth) {
			return true
		}
	}
}

// payFloor adds what the floor has earned since the last time, up to the
// reserve.
func (b *Budget) payFloor(now stats.Instant) {
	last := b.last.Load()
	millis := now.Sub(stats.Instant(last)).Milliseconds()
	if millis <= 0 || !b.last.CompareAndSwap(last, last+millis*int64(time.Millisecond)) {
		return
	}
	earned := min(millis*floorPerMillis, b.limit)
	if left := b.left.Load(); left < b.limit {
		b.left.Add(min(earned, b.limit-left))
	}
}
