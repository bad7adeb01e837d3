package guard

import (
	"time"

	"poise/internal/stats"
)

// The stall guard looks at the age of attempts that have no answer yet, so
// that an endpoint that hangs is seen before any timeout. Few have to wait
// very long, many a little less: that sixteen of sixteen are slower than four
// times the slowest hundredth of the others, and that nothing came back
// meanwhile, does not happen by chance.
const (
	stuckFew, fewTimes   = 3, 8
	stuckMany, manyTimes = 16, 4
	leastPatience        = 250 * time.Millisecond // a pause of a garbage collector is shorter
	blindPatience        = time.Second            // while nothing is known of the others
)

// patience is how long few, and how long many, may wait for an answer, given
// the 99th percentile of the others.
func patience(p99 time.Duration) (few, many time.Duration) {
	if p99 <= 0 {
		return blindPatience, blindPatience
	}
	return max(fewTimes*p99, leastPatience), max(manyTimes*p99, leastPatience)
}

// waits is what one look at the attempts under way gives.
type waits struct {
	few, many int // that wait longer than either patience
	oldest    time.Duration
	trial     bool          // one is a trial
	trialAge  time.Duration // of that
}

func (e *Endpoint) look(now stats.Instant, few, many time.Duration) (w waits) {
	e.open.each(func(_ *Ticket, word uint64) {
		if word&markTrial != 0 {
			w.trial = true
		}
		if word&markWaiting == 0 || word&markTaken != 0 {
			return
		}
		age := ageOf(uint32(word>>stampShift), now)
		if word&markTrial != 0 {
			w.trialAge = age
			return
		}
		w.oldest = max(w.oldest, age)
		if age >= few {
			w.few++
		}
		if age >= many {
			w.many++
		}
	})
	return w
}

// stalled reports whether the waits are a stall of an endpoint whose last
// answer is that old, and since which so many were taken back one by one.
func (w *waits) stalled(quiet, few, many time.Duration, vain int) (c charge, yes bool) {
	c = charge{cause: Stall, evidence: Evidence{Oldest: w.oldest}}
	switch {
	case w.few >= stuckFew && quiet >= few:
		c.evidence.Stuck, c.evidence.Limit = w.few, few
	case w.many >= stuckMany && quiet >= many:
		c.evidence.Stuck, c.evidence.Limit = w.many, many
	case w.few+vain >= stuckFew && quiet >= few:
		c.evidence.Stuck, c.evidence.Limit, c.evidence.Oldest, c.evidence.Vain = w.few+vain, few, quiet, vain
	default:
		return c, false
	}
	return c, true
}

// overwhelmed reports whether an endpoint that does answer falls ever further
// behind: so many wait, and what it did answer lately took as much longer than
// the others need as the latency guard finds too slow. That one waits for
// three seconds of it, which a queue that grows does not leave.
func (g *Guard) overwhelmed(e *Endpoint, w waits, many time.Duration) (charge, bool) {
	own, others := e.latency.lately(e.stats), g.answersOfOthers(e)
	if own.Count() < leastAnswers || others.Count() < leastAnswers {
		return charge{}, false
	}
	mine, theirs := own.Quantile(0.5), others.Quantile(0.5)
	if mine < latencyTimes*theirs || mine-theirs < leastSlow {
		return charge{}, false
	}
	return charge{cause: Latency, evidence: Evidence{
		Attempts: float64(own.Count()), Latency: mine, Peers: theirs, Stuck: w.many, Oldest: w.oldest, Limit: many,
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
		few, many := patience(e.latency.peers)
		quiet := ageOf(e.answered.Load(), now)
		w := e.look(now, few, many)
		e.forgive(e.answered.Load())
		c, yes := w.stalled(quiet, few, many, e.vain)
		if !yes && w.many >= stuckMany && e.phase.Load() == uint32(Serving) {
			c, yes = g.overwhelmed(e, w, many)
		}
		e.hangs = yes
		if yes {
			longest = max(longest, w.oldest, c.evidence.Limit)
			g.hanging = append(g.hanging, hang{e, c})
		}
	}
	if len(g.hanging) == 0 {
		return
	}
	answering := g.answering(longest, now)
	for _, h := range g.hanging {
		if len(g.hanging) > answering {
			h.charge.gate = EveryoneAlike
		}
		g.follow(h.endpoint, h.charge, now)
	}
}

// answering counts the endpoints that do not hang and have answered within a
// time.
func (g *Guard) answering(within time.Duration, now stats.Instant) (n int) {
	for _, m := range g.members {
		e := m.guard
		if m.usable && !e.hangs && e.phase.Load() != uint32(Ejected) && ageOf(e.answered.Load(), now) < within {
			n++
		}
	}
	return n
}

// hang is an endpoint that hangs.
type hang struct {
	endpoint *Endpoint
	charge   charge
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
		_, many := patience(e.latency.peers)
		before, oldest := len(g.report.TakeBack), time.Duration(0)
		e.open.each(func(t *Ticket, word uint64) {
			age := ageOf(uint32(word>>stampShift), now)
			if age >= many && g.take(t, word, now) {
				oldest = max(oldest, age)
			}
		})
		if n := len(g.report.TakeBack) - before; n > 0 {
			g.journal.push(Action{At: now, Endpoint: e.address, Kind: TakeBack, Cause: Stall, Evidence: Evidence{Stuck: n, Oldest: oldest, Limit: many}})
		}
	}
}

// take takes one attempt back, when it may be sent elsewhere and that can be
// paid.
func (g *Guard) take(t *Ticket, word uint64, now stats.Instant) bool {
	const marks = markWaiting | markReplayable
	if word&marks != marks || word&markTaken != 0 || !g.budget.Spend(now) {
		return false
	}
	if !t.word.CompareAndSwap(word, word|markTaken) { // it has just ended
		g.budget.refund()
		return false
	}
	g.report.TakeBack = append(g.report.TakeBack, t)
	return true
}
