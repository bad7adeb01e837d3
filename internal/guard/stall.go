package guard

import (
	"time"

	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/stats"
)

// The stall guard looks at the age of attempts that have no answer yet, so
// that an endpoint that hangs is seen before any timeout. Few have to wait
// very long, many a little less: that sixteen of sixteen are slower than four
// times the slowest hundredth of the others, and that nothing came back
// meanwhile, does not happen by chance.
const (
	stuckFew  = 3
	stuckMany = 16
)

// stalled reports whether the waits are a stall of an endpoint whose last
// answer is that old, and since which so many were taken back one by one.
func stalled(w *flight.Waits, quiet, few, many time.Duration, vain int) (c outlier.Charge, yes bool) {
	c = outlier.Charge{Cause: journal.Stall, Evidence: journal.Evidence{Oldest: w.Oldest}}
	switch {
	case w.Few >= stuckFew && quiet >= few:
		c.Evidence.Stuck, c.Evidence.Limit = w.Few, few
	case w.Many >= stuckMany && quiet >= many:
		c.Evidence.Stuck, c.Evidence.Limit = w.Many, many
	case w.Few+vain >= stuckFew && quiet >= few:
		c.Evidence.Stuck, c.Evidence.Limit, c.Evidence.Oldest, c.Evidence.Vain = w.Few+vain, few, quiet, vain
	default:
		return c, false
	}
	return c, true
}

// overwhelmed reports whether an endpoint that does answer falls ever further
// behind: so many wait, and what it did answer lately took as much longer than
// the others need as the latency guard finds too slow. That one waits for
// three seconds of it, which a queue that grows does not leave.
func (g *Guard) overwhelmed(e *Endpoint, w flight.Waits, many time.Duration) (outlier.Charge, bool) {
	own, others := e.latency.lately(e.stats), g.answersOfOthers(e)
	if own.Count() < leastAnswers || others.Count() < leastAnswers {
		return outlier.Charge{}, false
	}
	mine, theirs := own.Quantile(0.5), others.Quantile(0.5)
	if mine < latencyTimes*theirs || mine-theirs < leastSlow {
		return outlier.Charge{}, false
	}
	return outlier.Charge{Cause: journal.Latency, Evidence: journal.Evidence{
		Attempts: float64(own.Count()), Latency: mine, Peers: theirs, Stuck: w.Many, Oldest: w.Oldest, Limit: many,
	}}, true
}

// judgeStalls ejects endpoints that hang. Others must have answered meanwhile,
// and more of them than hang: when a database stops, everybody waits and
// nobody is to blame. The caller holds the lock.
func (g *Guard) judgeStalls(now stats.Instant) {
	g.hanging = g.hanging[:0]
	longest := time.Duration(0)
	for _, m := range g.members {
		e := m.guard
		if !m.usable || e.phase.Load() == uint32(Ejected) {
			continue
		}
		few, many := flight.Patience(e.latency.peers)
		quiet := e.open.Quiet(now)
		w := e.open.Look(now, few, many)
		e.forgive(e.open.LastAnswer())
		c, yes := stalled(&w, quiet, few, many, e.vain)
		if !yes && w.Many >= stuckMany && e.phase.Load() == uint32(Serving) {
			c, yes = g.overwhelmed(e, w, many)
		}
		e.hangs = yes
		if yes {
			longest = max(longest, w.Oldest, c.Evidence.Limit)
			g.hanging = append(g.hanging, hang{e, c})
		}
	}
	if len(g.hanging) == 0 {
		return
	}
	answering := g.answering(longest, now)
	for _, h := range g.hanging {
		if len(g.hanging) > answering {
			h.charge.Gate = journal.EveryoneAlike
		}
		g.follow(h.endpoint, h.charge, now)
	}
}

// answering counts the endpoints that do not hang and have answered within a
// time.
func (g *Guard) answering(within time.Duration, now stats.Instant) (n int) {
	for _, m := range g.members {
		e := m.guard
		if m.usable && !e.hangs && e.phase.Load() != uint32(Ejected) && e.open.Quiet(now) < within {
			n++
		}
	}
	return n
}

// hang is an endpoint that hangs.
type hang struct {
	endpoint *Endpoint
	charge   outlier.Charge
}

// takeBack takes attempts back that wait at ejected endpoints, or at those
// that the checks find unwell, for longer than others need, as far as the budget allows; the rest stay where they are until
// it does. Whoever holds such an attempt must not spend for it again.
func (g *Guard) takeBack(now stats.Instant) {
	_, _, left := g.count()
	few := g.tooFew(left) // health is ignored, so it is no reason either
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() != uint32(Ejected) && (m.usable || few) {
			continue
		}
		_, many := flight.Patience(e.latency.peers)
		before, oldest := len(g.report.TakeBack), time.Duration(0)
		e.open.Each(func(t *flight.Ticket, w flight.Word) {
			age := w.Age(now)
			if age >= many && g.take(t, w, now) {
				oldest = max(oldest, age)
			}
		})
		if n := len(g.report.TakeBack) - before; n > 0 {
			g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.TakeBack, Cause: journal.Stall, Evidence: journal.Evidence{Stuck: n, Oldest: oldest, Limit: many}})
		}
	}
}

// take takes one attempt back, when it may be sent elsewhere and that can be
// paid.
func (g *Guard) take(t *flight.Ticket, w flight.Word, now stats.Instant) bool {
	if !w.Movable() || !g.budget.Spend(now) {
		return false
	}
	if !w.Take(t) { // it has just ended
		g.budget.Refund()
		return false
	}
	g.report.TakeBack = append(g.report.TakeBack, t)
	return true
}
