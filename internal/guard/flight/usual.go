package flight

import (
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Usual is what the attempts of one route take at a cluster. A request that is
// the only one to wait at its endpoint is compared with its likes: on a route
// of long calls a long wait says nothing.
type Usual struct {
	times stats.Histogram
	slow  atomic.Int64 // the 99.9th percentile in ns; 0 while too little was seen

	// Under its keeper's lock: the window that is over, and where the one that
	// is open began.
	recent, begun stats.Snapshot
	at            stats.Instant
}

const (
	leastUsual  = 100              // answers below which nothing is usual
	usualEnough = 1000             // answers that end a window, below which a 99.9th percentile is the slowest
	usualLeast  = 10 * time.Second // of a window
	usualMost   = 5 * time.Minute

	// A request that is alone in waiting is taken back after aloneTimes what the
	// slowest thousandth of its route needs: of a distribution with so heavy a
	// tail as that of a Pareto of index 1.5 that meets one request in five
	// thousand, which then costs one attempt more.
	aloneTimes = 3
	leastAlone = 500 * time.Millisecond
)

// Observe counts an answer that took so long.
func (u *Usual) Observe(d time.Duration) { u.times.Observe(d) }

// Turn looks at what was answered lately.
func (u *Usual) Turn(now stats.Instant) {
	total := u.times.Snapshot()
	open := total.Sub(&u.begun)
	n, age := open.Count(), now.Sub(u.at)
	seen := u.recent
	seen.Add(&open)
	if seen.Count() >= leastUsual {
		u.slow.Store(int64(seen.Quantile(0.999)))
	}
	if n >= usualEnough && age >= usualLeast || age >= usualMost {
		u.recent, u.begun, u.at = open, total, now
	}
}

// patience is how long a request may be alone in waiting, false when that is
// not known.
func (u *Usual) patience() (time.Duration, bool) {
	if u == nil {
		return 0, false
	}
	slow := time.Duration(u.slow.Load())
	return max(aloneTimes*slow, leastAlone), slow > 0
}
