// Package stats measures: instants, dice, moving averages and histograms.
//
// Nothing here reads a clock or a global random source. Time and dice are
// arguments, so whatever is computed from them can be computed again.
package stats

import "time"

// Instant is a point on a monotonic clock, in nanoseconds since an arbitrary
// start. Two instants compare only when they come from the same clock; zero
// means "never".
type Instant int64

// Sub returns the time from u to t, negative when t is the earlier one.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Add returns the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }
