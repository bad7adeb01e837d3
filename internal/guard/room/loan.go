package room

import (
	"time"

	"poise/internal/stats"
)

// A loan is called back when the others are crowded by RecallCrowd and need
// recallTimes of what all needed before it. Where the idle median is wrong, a
// median of recallBlind times that of before is crowded too.
const (
	RecallCrowd = 2
	recallTimes = 1.2
	recallBlind = 2
)

// Loan is an ejection of an endpoint that still answered.
type Loan struct {
	Open         bool
	Since        stats.Instant
	Mean, Median time.Duration // latency of all before it
}

// Lend notes a loan: all are the answers of the last windows.
func Lend(all *stats.Snapshot, now stats.Instant) Loan {
	return Loan{Open: true, Since: now, Mean: MeanOf(all), Median: all.Quantile(0.5)}
}

// Worse reports whether those that are left are worse off than before the
// loans, of which these are the lowest mean and median, and by how much they
// are crowded.
func (r *Room) Worse(left *stats.Snapshot, mean, median time.Duration) (crowd float64, worse bool) {
	if left.Count() < leastAnswers {
		return 0, false
	}
	crowd = r.Crowding(left)
	blind := left.Quantile(0.5) >= recallBlind*median
	times := MeanOf(left).Seconds() / max(mean.Seconds(), 1e-6)
	return crowd, times >= recallTimes && (crowd >= RecallCrowd || blind)
}

// Recalls are the loans in a row that were called back.
func (r *Room) Recalls() int { return r.recalls }

// Recalled notes one more. Nothing is lent until then.
func (r *Room) Recalled(till stats.Instant) {
	r.heldTill = till
	r.recalls = min(r.recalls+1, 32)
}

// Repaid notes a loan that came to its end.
func (r *Room) Repaid() { r.recalls = max(r.recalls-1, 0) }
