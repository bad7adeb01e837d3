package guard

import (
	"math"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/readmit"
	"poise/internal/guard/room"
	"poise/internal/stats"
)

// readRoom takes the readings of a second. It follows the end of the latency
// windows. The caller holds the lock.
func (g *Guard) readRoom(now stats.Instant) {
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() == uint32(Ejected) {
			e.work = room.Work{}
			continue
		}
		e.work.Read(e.stats)
		if m.usable && e.latency.fresh {
			g.room.Add(&e.latency.recent)
		}
	}
	all := g.answersOfOthers(nil)
	g.room.Turn(&all, now)
	g.recall(now)
}

// answersOfOthers are those of the last windows of all but e.
func (g *Guard) answersOfOthers(e *Endpoint) stats.Snapshot {
	all := stats.Snapshot{}
	for _, m := range g.members {
		if x := m.guard; x != e && m.usable && x.phase.Load() != uint32(Ejected) {
			all.Add(&x.latency.recent)
		}
	}
	return all
}

// crowdingNow is how many wait at the others over how many would if the
// cluster were idle.
func (g *Guard) crowdingNow(e *Endpoint) float64 {
	rate, queues := 0.0, g.queues[:0]
	for _, m := range g.members {
		x := m.guard
		did, ok := x.work.Rate(x.stats)
		if x == e || !ok || !m.usable || x.phase.Load() == uint32(Ejected) {
			continue
		}
		rate += did
		queues = append(queues, float64(x.open.Waiting()))
	}
	g.queues = queues
	return g.room.CrowdingNow(rate, queues)
}

// share is what e answered lately over what the typical one of its peers did,
// each for its weight and for as far as its ramp has come.
func (g *Guard) share(e *Endpoint) (share float64, known bool) {
	own, peers := -1.0, make([]float64, 0, len(g.members))
	for _, m := range g.members {
		x := m.guard
		did, ok := x.work.Rate(x.stats)
		if !m.usable || !ok || x.phase.Load() == uint32(Ejected) {
			continue
		}
		rate := did / (max(x.pace.Factor(), readmit.LeastFactor) * float64(max(m.endpoint.Weight, 1)))
		if x == e {
			own = rate
		} else {
			peers = append(peers, rate)
		}
	}
	if own < 0 {
		return 0, false
	}
	return room.Share(own, peers)
}

// lends reports whether an ejection for c takes an endpoint out that answers.
func (g *Guard) lends(e *Endpoint, c *outlier.Charge) bool {
	switch c.Cause {
	case journal.Latency:
		return true
	case journal.Errors:
		did, known := e.work.Lately(e.stats)
		return known && did.Answers > 0 && (2*did.Timeouts > did.Failures || g.overflows(e, c.Evidence.Share))
	}
	return false
}

// overflows reports whether an endpoint that fails keeps those waiting that it
// answers: what fails may be what its queue has no room for. Of its latencies
// the quickest are those of the failures.
func (g *Guard) overflows(e *Endpoint, failed float64) bool {
	own := e.latency.lately(e.stats)
	return g.room.CrowdingAt(&own, failed+(1-failed)/2) >= room.RecallCrowd
}

// keeps returns what keeps an endpoint in that answers. It notes in the
// evidence what that rests on.
func (g *Guard) keeps(e *Endpoint, c *outlier.Charge, now stats.Instant) journal.Gate {
	others := g.answersOfOthers(e)
	p := room.Plea{
		Crowd:  max(g.room.Crowding(&others), g.crowdingNow(e)),
		Failed: c.Cause == journal.Errors, Behind: c.Evidence.Stuck > 0,
	}
	p.Share, p.Known = g.share(e)
	c.Evidence.Crowding, c.Evidence.Work = p.Crowd, p.Share
	return g.room.Gate(p, now)
}

// lend notes an ejection as a loan.
func (g *Guard) lend(e *Endpoint, now stats.Instant) {
	all := g.answersOfOthers(nil)
	e.loan = room.Lend(&all, now)
}

// recall takes the longest loan back when the others are worse off without it,
// one a second, and lends nothing for a while.
func (g *Guard) recall(now stats.Instant) {
	var oldest *Endpoint
	mean, median := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() != uint32(Ejected) || !e.loan.Open {
			continue
		}
		mean, median = min(mean, e.loan.Mean), min(median, e.loan.Median)
		if now.Sub(e.loan.Since) >= latencyEvery && (oldest == nil || e.loan.Since < oldest.loan.Since) {
			oldest = e
		}
	}
	if oldest == nil {
		return
	}
	left := g.answersOfOthers(nil)
	crowd, worse := g.room.Worse(&left, mean, median)
	if !worse {
		return
	}
	g.room.Recalled(now.Add(ejectionTime(g.options.Base, g.options.Max, g.room.Recalls())))
	oldest.level = max(oldest.level-1, 0)
	g.takeIn(oldest, now, journal.Action{
		Kind: journal.Release, Cause: oldest.cause, Gate: journal.NoRoom,
		Evidence: journal.Evidence{Latency: room.MeanOf(&left), Peers: mean, Crowding: crowd},
	})
	g.changed(now)
}

// takeIn ends an ejection without trials and without a ramp.
func (g *Guard) takeIn(e *Endpoint, now stats.Instant, a journal.Action) {
	a.At, a.Endpoint = now, e.address
	e.forget()
	e.since, e.cause, e.loan, e.work = now, 0, room.Loan{}, room.Work{}
	e.pace.Set(1, 0)
	e.phase.Store(uint32(Serving))
	g.journal.Push(a)
	g.version.Add(1)
}
