package guard

import (
	"cmp"
	"math"
	"slices"

	"poise/internal/stats"
)

// The error guard: an endpoint is ejected when its share of failures is
// certainly, by the lower bound of Wilson's interval, above what the better
// half of the others shows: boundBase + boundTimes × their share, of which the
// upper bound is taken. When all fail alike nobody stands out and nobody is
// ejected.
const (
	leastAttempts = 10   // below which no share is judged, neither an endpoint's nor the others'
	boundBase     = 0.03 // share of failures that is tolerated whatever the others do
	boundTimes    = 3
	othersZ       = 1 // the less was seen of the others, the more they may be failing

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

// wilsonLower is the lower bound of a share of which failed of n were seen:
// the share that lies z standard deviations below what was seen (Wilson 1927).
// Unlike the usual p ± z·sqrt(p(1-p)/n) it holds for few and for none.
func wilsonLower(t tally, z float64) float64 {
	if t.n <= 0 {
		return 0
	}
	p, zz := t.share(), z*z
	middle := p + zz/(2*t.n)
	half := z * math.Sqrt(max(p*(1-p)/t.n+zz/(4*t.n*t.n), 0))
	return max((middle-half)/(1+zz/t.n), 0)
}

// wilsonUpper is the bound on the other side: the share that lies z standard
// deviations above what was seen.
func wilsonUpper(t tally, z float64) float64 {
	return 1 - wilsonLower(tally{t.n, t.n - t.failed}, z)
}

// charge is what an endpoint is accused of.
type charge struct {
	cause    Cause
	evidence Evidence
	gate     Gate // that speaks against an ejection at once; 0 for none
}

// accuse compares an endpoint with the others and reports whether it stands
// out on any horizon. A charge with a gate stood out and must not be followed.
func accuse(own, others *tallies) (charge, bool) {
	var held charge
	found := false
	for h := range horizons {
		lower := wilsonLower(own[h], horizonZ[h])
		bound := boundBase + boundTimes*wilsonUpper(others[h], othersZ)
		if lower <= boundBase {
			continue
		}
		c := charge{cause: Errors, evidence: Evidence{
			Attempts: own[h].n, Share: own[h].share(), Lower: lower, Bound: bound, Rest: others[h].share(), Over: horizonTau[h],
		}}
		switch {
		case own[h].n < leastAttempts || own[h].failed < horizonFailed[h] || others[h].n < leastAttempts:
			c.gate = Volume
		case lower <= bound:
			c.gate = EveryoneAlike
		default:
			return c, true
		}
		held, found = c, true
	}
	return held, found
}

// judge is called for a failure. It never waits: when the guard is busy the
// next failure will be judged.
func (g *Guard) judge(e *Endpoint, now stats.Instant) {
	last := e.judged.Load()
	if now-stats.Instant(last) < judgeEvery || !e.judged.CompareAndSwap(last, int64(now)) {
		return
	}
	own := e.tallies(now)
	if !suspicious(&own) || e.phase.Load() == uint32(Ejected) || !g.mu.TryLock() {
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
	others := g.others(e)
	c, found := accuse(&own, &others)
	if found && c.gate == 0 {
		g.sum(now)
		own = e.tallies(now)
		others = g.others(e)
		c, found = accuse(&own, &others)
	}
	if found {
		g.follow(e, c, now)
	}
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
	left := g.others(nil)[short]
	if left.n < leastAttempts || left.share() < outageShare {
		return
	}
	for _, m := range *g.out.Load() {
		e := m.guard
		if e.cause != Errors {
			continue
		}
		e.since, e.cause = now, 0
		e.pace.set(1, 0)
		e.phase.Store(uint32(Serving))
		g.journal.push(Action{
			At: now, Endpoint: e.address, Kind: Release, Cause: Errors, Gate: EveryoneAlike,
			Evidence: Evidence{Rest: left.share(), Attempts: left.n, Over: horizonTau[short]},
		})
		g.version.Add(1)
	}
	g.changed(now)
}

// suspicious reports whether a share of failures is above what is always
// tolerated, which nearly every failure is not.
func suspicious(own *tallies) bool {
	for h := range own {
		if wilsonLower(own[h], horizonZ[h]) > boundBase {
			return true
		}
	}
	return false
}

// sum takes stock of all endpoints that take requests. The caller holds the
// lock.
func (g *Guard) sum(now stats.Instant) {
	g.summedAt, g.total = now, tallies{}
	for _, m := range g.members {
		m.guard.counted = m.usable && m.guard.phase.Load() != uint32(Ejected)
		if m.guard.counted {
			m.guard.seen = m.guard.tallies(now)
			g.total.add(&m.guard.seen)
		}
	}
}

// others is what the better half of the endpoints other than e shows, by
// horizon. The half is pooled, not all of them: when two of four are dead, each
// would hide behind the other. Where the half did too little, more are added
// from the better ones up. With e nil it is the better half of all.
func (g *Guard) others(e *Endpoint) (t tallies) {
	for h := range horizons {
		order := g.order[:0]
		for _, m := range g.members {
			if x := m.guard; x != e && x.counted && x.seen[h].n >= leastSeen {
				order = append(order, x.seen[h])
			}
		}
		g.order = order
		slices.SortFunc(order, byShare)
		for i, o := range order {
			if i >= (len(order)+1)/2 && t[h].n >= leastAttempts {
				break
			}
			t[h].add(o)
		}
	}
	return t
}

// leastSeen is what an endpoint must have done lately to count as one of the
// others.
const leastSeen = 0.5

func byShare(a, b tally) int { return cmp.Compare(a.share(), b.share()) }
