package guard

import (
	"time"

	"poise/internal/stats"
)

// alone finds endpoints at which fewer requests wait than make a stall: a
// policy that avoids the slow one leaves it with one or two. Each of those has
// waited far longer than its route ever needs, nothing came back from the
// endpoint since it was sent, and others have answered meanwhile. That is no
// verdict on the endpoint, and the request only gets its retry early, once and
// within the budget, as a hedge would. The third in a row that waited in vain
// is a stall like any other (judgeStalls). The caller holds the lock.
func (g *Guard) takeAlone(now stats.Instant) {
	g.lonely = g.lonely[:0]
	longest := time.Duration(0)
	for _, m := range g.members {
		e := m.guard
		e.hangs = false
		if !m.usable || e.phase.Load() == uint32(Ejected) {
			continue
		}
		if oldest := e.alone(now); oldest > 0 {
			e.hangs = true
			longest = max(longest, oldest)
			g.lonely = append(g.lonely, e)
		}
	}
	if len(g.lonely) == 0 || len(g.lonely) > g.answering(longest, now) {
		return
	}
	for _, e := range g.lonely {
		g.takeAloneOf(e, now)
	}
}

// alone returns how long the oldest waits of those that wait too long.
func (e *Endpoint) alone(now stats.Instant) (oldest time.Duration) {
	quiet := ageOf(e.answered.Load(), now)
	if quiet < leastAlone {
		return 0
	}
	e.open.each(func(t *Ticket, word uint64) {
		if age, yes := t.aloneFor(word, quiet, now); yes {
			oldest = max(oldest, age)
		}
	})
	return oldest
}

// aloneFor reports whether an attempt waits longer than it should at an
// endpoint of which nothing was heard for so long.
func (t *Ticket) aloneFor(word uint64, quiet time.Duration, now stats.Instant) (age time.Duration, yes bool) {
	const marks = markWaiting | markReplayable
	if word&(marks|markTaken|markTrial) != marks {
		return 0, false
	}
	age = ageOf(uint32(word>>stampShift), now)
	if age < leastAlone || age > quiet { // an answer came since
		return age, false
	}
	patience, known := t.usual.Load().patience()
	return age, known && age >= patience
}

func (g *Guard) takeAloneOf(e *Endpoint, now stats.Instant) {
	answered := e.answered.Load()
	quiet := ageOf(answered, now)
	n, oldest, limit := 0, time.Duration(0), time.Duration(0)
	e.open.each(func(t *Ticket, word uint64) {
		if age, yes := t.aloneFor(word, quiet, now); yes && g.take(t, word, now) {
			n++
			oldest = max(oldest, age)
			limit, _ = t.usual.Load().patience()
		}
	})
	if n == 0 {
		return
	}
	e.forgive(answered)
	e.vain += n
	g.journal.push(Action{At: now, Endpoint: e.address, Kind: TakeBack, Cause: Stall, Evidence: Evidence{Stuck: n, Oldest: oldest, Limit: limit}})
}

// forgive forgets those that waited in vain before the last answer.
func (e *Endpoint) forgive(answered uint32) {
	if e.vainSince != answered {
		e.vain, e.vainSince = 0, answered
	}
}
