package outlier

import (
	"sync/atomic"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/stats"
)

// A policy that leaves an endpoint which fails, and goes back to it about once
// a second, never does enough there at a time for a share to be judged, while
// each visit costs a client its answer. So failures with no success between
// them are counted however far apart they are.
const (
	LeastRow = 8                // of them: where one attempt in ten fails, so many in a row are chance once in 10⁸
	rowGap   = 30 * time.Second // after which a failure is the first of another row
)

// Row counts failures in a row. It takes no lock: of several attempts that end
// at once one may go uncounted.
type Row struct {
	n           atomic.Uint32
	first, last atomic.Int64 // Instants
}

// Fail counts a failure.
func (r *Row) Fail(now stats.Instant) {
	if r.n.Load() == 0 || now.Sub(stats.Instant(r.last.Load())) > rowGap {
		r.n.Store(0)
		r.first.Store(int64(now))
	}
	r.last.Store(int64(now))
	r.n.Add(1)
}

// Break ends the row: an attempt went well.
func (r *Row) Break() {
	if r.n.Load() != 0 { // so that a success reads only
		r.n.Store(0)
	}
}

// AccuseRow reports whether an endpoint of which the windows show too little
// stands out by a row of failures. One that is shorter than a window is the
// window's to judge.
func AccuseRow(row *Row, own, others *Tallies, now stats.Instant) (Charge, bool) {
	n := float64(row.n.Load())
	over := now.Sub(stats.Instant(row.first.Load()))
	if n < LeastRow || over < horizonTau[Long] || own[Long].N >= LeastAttempts || others[Long].N < LeastAttempts {
		return Charge{}, false
	}
	all := Tally{N: n, Failed: n}
	e := journal.Evidence{
		Attempts: n, Share: 1, Lower: wilsonLower(all, horizonZ[Long]), Bound: boundBase + boundTimes*wilsonUpper(others[Long], othersZ),
		Rest: others[Long].Share(), Over: over,
	}
	return Charge{Cause: journal.Errors, Evidence: e}, e.Lower > e.Bound
}
