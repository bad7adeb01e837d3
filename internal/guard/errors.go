package guard

import (
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/stats"
)

// The error guard judges an endpoint for a failure (outlier.Accuse).
const (
	// An endpoint is judged at most once in this time, so that at a high rate a
	// failure costs what a success costs.
	judgeEvery = stats.Instant(1e6)
	// A comparison with the others costs as much more as there are others, and
	// is made the less often.
	compareEvery = stats.Instant(50e3)
	// How old the sum over the others may be. Before an ejection it is
	// always made anew.
	othersFor = stats.Instant(5e6)
)

// judge is called for a failure. It never waits: when the guard is busy the
// next failure will be judged.
func (g *Guard) judge(e *Endpoint, now stats.Instant) {
	last := e.judged.Load()
	if now-stats.Instant(last) < judgeEvery || !e.judged.CompareAndSwap(last, int64(now)) {
		return
	}
	own := e.ended.Tallies(now)
	if !outlier.Suspicious(&own) || e.phase.Load() == uint32(Ejected) || !g.mu.TryLock() {
		return
	}
	defer g.mu.Unlock()
	if now-g.compared < compareEvery*stats.Instant(len(g.members)) && now >= g.compared {
		return
	}
	g.compared = now
	if now-g.summedAt > othersFor || now < g.summedAt {
		g.sum(now)
	}
	if !e.counted { // the checks have it out already
		return
	}
	c, found := g.accuse(e, &own, now)
	if found && c.Gate == 0 {
		g.sum(now)
		own = e.ended.Tallies(now)
		c, found = g.accuse(e, &own, now)
	}
	if found {
		g.follow(e, c, now)
	}
}

// accuse compares e with the others: what its windows show, and where that is
// too little its row of failures.
func (g *Guard) accuse(e *Endpoint, own *outlier.Tallies, now stats.Instant) (outlier.Charge, bool) {
	others := g.others(e)
	if c, stands := outlier.AccuseRow(&e.row, own, &others, now); stands {
		return c, true
	}
	return outlier.Accuse(own, &others)
}

// outageShare is the share of failures of the better half of what is left at
// which it is no better than what was ejected.
const outageShare = 0.5

// release takes back who was ejected for errors once those that are left fail
// as well. A policy that prefers idle endpoints meets an outage at one of them
// first, which then stood out until the others had been asked too.
func (g *Guard) release(now stats.Instant) {
	if len(*g.out.Load()) == 0 {
		return
	}
	left := g.others(nil)[outlier.Short]
	if left.N < outlier.LeastAttempts || left.Share() < outageShare {
		return
	}
	for _, m := range *g.out.Load() {
		e := m.guard
		if e.cause != journal.Errors {
			continue
		}
		e.since, e.cause = now, 0
		e.pace.Set(1, 0)
		e.phase.Store(uint32(Serving))
		g.journal.Push(journal.Action{
			At: now, Endpoint: e.address, Kind: journal.Release, Cause: journal.Errors, Gate: journal.EveryoneAlike,
			Evidence: journal.Evidence{Rest: left.Share(), Attempts: left.N, Over: outlier.Short.Tau()},
		})
		g.version.Add(1)
	}
	g.changed(now)
}

// sum takes stock of all endpoints that take requests. The caller holds the
// lock.
func (g *Guard) sum(now stats.Instant) {
	g.summedAt, g.total = now, outlier.Tallies{}
	for _, m := range g.members {
		m.guard.counted = m.usable && m.guard.phase.Load() != uint32(Ejected)
		if m.guard.counted {
			m.guard.seen = m.guard.ended.Tallies(now)
			g.total.Add(&m.guard.seen)
		}
	}
}

// others is what the better half of the endpoints other than e shows, by
// horizon. With e nil it is the better half of all.
func (g *Guard) others(e *Endpoint) (t outlier.Tallies) {
	for h := range outlier.Horizons {
		order := g.order[:0]
		for _, m := range g.members {
			if x := m.guard; x != e && x.counted && x.seen[h].N >= leastSeen {
				order = append(order, x.seen[h])
			}
		}
		g.order = order
		t[h] = outlier.BetterHalf(order)
	}
	return t
}

// leastSeen is what an endpoint must have done lately to count as one of the
// others.
const leastSeen = 0.5
