package lb

import "sync/atomic"

// Reports are what an endpoint says of its own load, beside what is under way
// there from here at the same moments. Its zero value works.
type Reports struct{ count, theirs, ours atomic.Uint64 }

// Reported are the values of Reports: so many reports, and the sums of the
// requests under way that they named and of those that were sent from here.
type Reported struct{ Count, Theirs, Ours uint64 }

// MostReported is what a report counts at most: no endpoint can make the sums
// of all say anything.
const MostReported = 100_000

// Add takes in a report of so many requests under way, of which ours came from
// here.
func (r *Reports) Add(theirs, ours int) {
	r.theirs.Add(uint64(min(max(theirs, 0), MostReported)))
	r.ours.Add(uint64(max(ours, 1)))
	r.count.Add(1)
}

// Totals reads the sums. A report that comes at the same moment may be in one
// of them and not yet in the other.
func (r *Reports) Totals() Reported {
	return Reported{Count: r.count.Load(), Theirs: r.theirs.Load(), Ours: r.ours.Load()}
}
