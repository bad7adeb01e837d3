package guard

import (
	"math"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/room"
	"poise/internal/stats"
)

// mostEjected is how many of n endpoints may be ejected at a time: a share of
// them rounded down, but one where there are several, and never all.
func mostEjected(n int, share float64) int {
	if n < 2 || share <= 0 {
		return 0
	}
	return min(max(int(math.Floor(share*float64(n)+1e-9)), 1), n-1)
}

// ejectionTime is how long the ejection lasts that follows level others.
func ejectionTime(base, most time.Duration, level int) time.Duration {
	d := base
	for range level {
		if d >= most {
			break
		}
		d *= 2
	}
	return min(d, most)
}

// hold-backs that repeat are told once in this time.
const tellAgain = 10 * time.Second

// follow ejects an endpoint that stood out, or says what kept it. The caller
// holds the lock.
func (g *Guard) follow(e *Endpoint, c outlier.Charge, now stats.Instant) {
	gate := c.Gate
	if gate == 0 {
		gate = g.gate()
	}
	lent := gate == 0 && g.lends(e, &c)
	if lent {
		gate = g.keeps(e, &c, now)
	}
	if gate != 0 {
		if told := e.held[gate]; told == 0 || now.Sub(told) >= tellAgain {
			e.held[gate] = now
			g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.HoldBack, Cause: c.Cause, Gate: gate, Evidence: c.Evidence})
		}
		return
	}
	if g.options.Max > 0 { // every such time spent well takes one doubling back
		e.level = max(0, e.level-int(now.Sub(e.since)/g.options.Max))
	}
	e.loan = room.Loan{}
	if lent {
		g.lend(e, now)
	}
	if lent && now.Sub(e.since) > ejectionTime(g.options.Base, g.options.Max, e.level) {
		e.level = max(e.level-1, 0) // it was well for longer than it would be out: this is another time, not a relapse
	}
	d := g.eject(e, now)
	e.cause, e.why, e.lost = c.Cause, c.Evidence, 0
	e.patient.Store(0)
	if c.Cause == journal.Latency { // to answer is not enough for an endpoint that was slow
		e.patient.Store(int64(e.latency.peers))
	}
	g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.Eject, Cause: c.Cause, For: d, Evidence: c.Evidence})
}

// gate returns what speaks against one more ejection.
func (g *Guard) gate() journal.Gate {
	usable, ejected, left := g.count()
	switch {
	case ejected+1 > mostEjected(usable, g.options.MaxEjected):
		return journal.MaxEjected
	case g.tooFew(left - 1):
		return journal.Panic
	}
	return 0
}

// count returns how many endpoints the checks find well, how many are ejected,
// and how many are left. One that the checks find unwell as well still counts
// as ejected: it may come back to the checks before it does to the guard.
func (g *Guard) count() (usable, ejected, left int) {
	for _, m := range g.members {
		out := m.guard.phase.Load() == uint32(Ejected)
		if m.usable {
			usable++
		}
		if out {
			ejected++
		}
		if m.usable && !out {
			left++
		}
	}
	return usable, ejected, left
}

func (g *Guard) tooFew(left int) bool {
	return g.options.Panic > 0 && float64(left) < g.options.Panic*float64(len(g.members))
}

// eject takes e out for as long as its level says.
func (g *Guard) eject(e *Endpoint, now stats.Instant) time.Duration {
	d := ejectionTime(g.options.Base, g.options.Max, e.level)
	e.level = min(e.level+1, 32)
	e.since, e.held, e.counted = now, [journal.Gates]stats.Instant{}, false
	e.trials.Clear()
	e.until.Store(int64(now.Add(d)))
	e.phase.Store(uint32(Ejected))
	g.version.Add(1)
	g.changed(now)
	return d
}

// changed makes what the request path reads of the endpoints that are out.
func (g *Guard) changed(now stats.Instant) {
	var out []member
	earliest := int64(math.MaxInt64)
	for _, m := range g.members {
		if m.usable && m.guard.phase.Load() == uint32(Ejected) {
			out = append(out, m)
			earliest = min(earliest, m.guard.until.Load())
		}
	}
	g.out.Store(&out)
	g.trialAt.Store(earliest)
	g.sum(now)
	g.updatePanic(now)
}

// updatePanic ignores ejections while too few endpoints are left.
func (g *Guard) updatePanic(now stats.Instant) {
	_, ejected, left := g.count()
	on := ejected > 0 && g.tooFew(left)
	if on == g.panicking.Load() {
		return
	}
	g.panicking.Store(on)
	g.version.Add(1)
	kind := journal.PanicOff
	if on {
		kind = journal.PanicOn
	}
	g.journal.Push(journal.Action{At: now, Kind: kind})
}
