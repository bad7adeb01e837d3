package cluster

import (
	"cmp"
	"slices"
	"time"

	"poise/internal/lb"
)

// leaver is an endpoint that has left while requests may still hold it: those
// that picked it from an earlier snapshot, and those under way.
type leaver struct {
	endpoint *lb.Endpoint
	at       time.Time
}

// settleTime is far longer than a request takes from its pick to the lease
// that counts it.
const settleTime = time.Minute

// Gone is what endpoints did that have left, so that sums over a cluster never
// fall, and how many attempts are still under way at them.
type Gone struct {
	lb.Totals
	Inflight int
}

// Account returns the current snapshot and what is not in it any more. Every
// attempt is counted by a member of the snapshot or in Gone, never by both.
func (c *Cluster) Account() (*Snapshot, Gone) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	g := Gone{Totals: c.gone}
	for _, l := range c.leaving {
		t := l.endpoint.Stats.Totals()
		g.Add(&t)
		g.Inflight += l.endpoint.Live.Inflight()
	}
	return c.snapshot.Load(), g
}

// settle lets go of the leavers that nobody can hold any more. The caller
// holds the lock.
func (c *Cluster) settle() {
	before := c.options.Wall().Add(-settleTime)
	c.leaving = slices.DeleteFunc(c.leaving, func(l leaver) bool {
		if l.at.After(before) || l.endpoint.Live.Inflight() > 0 {
			return false
		}
		t := l.endpoint.Stats.Totals()
		c.gone.Add(&t)
		return true
	})
}

// Checked counts a health check of an address. Of one that has left it is
// ignored.
func (c *Cluster) Checked(address string, passed bool) {
	members := c.Snapshot().Members
	i, found := slices.BinarySearchFunc(members, address, func(e *lb.Endpoint, a string) int { return cmp.Compare(e.Address, a) })
	switch {
	case !found:
	case passed:
		members[i].Stats.Passed.Add(1)
	default:
		members[i].Stats.Failed.Add(1)
	}
}
