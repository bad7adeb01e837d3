package guard

import (
	"math"
	"time"

	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/readmit"
	"poise/internal/stats"
)

// TickEvery is how often Tick wants to be called. Stalls, trials that hang and
// ramps are looked at each time, limits and latencies every few.
const TickEvery = 50 * time.Millisecond

const (
	limitsEvery = 100 * time.Millisecond
	// abandonedAfter is when a trial is given up whose attempt was never begun.
	abandonedAfter = time.Second
)

// Report is what a tick asks its caller to do. It is valid until the next one.
type Report struct {
	TakeBack []*flight.Ticket // call Take of each, with no lock held
	Changed  bool             // somebody was ejected or readmitted since the last tick
}

// Tick does what time calls for.
func (g *Guard) Tick(now stats.Instant) *Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.report.TakeBack = g.report.TakeBack[:0]
	dt := min(max(now.Sub(g.ticked), 0), time.Second)
	if g.ticked == 0 {
		dt = 0
	}
	g.ticked = now
	g.sum(now)
	g.failing.Store(math.Float64bits(g.total[outlier.Short].Share()))
	g.budget.Discount(g.total[outlier.Short].Share())
	if now.Sub(g.limitsAt) >= limitsEvery {
		g.limitsAt = now
		g.learnLimits()
	}
	if now.Sub(g.latencyAt) >= latencyEvery {
		g.latencyAt = now
		g.judgeLatencies(now)
		for _, u := range g.usual {
			u.Turn(now)
		}
	}
	g.release(now)
	g.settleTrials(now)
	g.judgeStalls(now)
	g.takeBack(now)
	g.takeAlone(now)
	g.advance(dt, now)
	g.queue.Sweep(now)
	g.tellShedding(now)
	version := g.version.Load()
	g.report.Changed = version != g.told
	g.told = version
	return &g.report
}

// settleTrials ends trials that wait too long for their answer, gives up those
// that were never begun, and does what their outcomes call for.
func (g *Guard) settleTrials(now stats.Instant) {
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() != uint32(Ejected) {
			continue
		}
		number, _, state := e.trials.Read()
		evidence := journal.Evidence{}
		if state == readmit.Busy {
			evidence = g.watchTrial(e, number, now)
		}
		g.settle(e, now, evidence)
	}
}

func (g *Guard) watchTrial(e *Endpoint, number uint64, now stats.Instant) journal.Evidence {
	_, many := flight.Patience(e.latency.peers)
	w := e.open.Look(now, many, many)
	switch {
	case w.TrialAge >= many:
		e.trials.End(number, readmit.Lost)
		return journal.Evidence{Stuck: 1, Oldest: w.TrialAge, Limit: many}
	case w.Trial || e.watched != number:
		e.watched, e.watchedAt = number, now
	case now.Sub(e.watchedAt) >= abandonedAfter:
		e.trials.End(number, readmit.Undecided)
	}
	return journal.Evidence{}
}
