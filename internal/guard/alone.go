package guard

import (
	"time"

	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/stats"
)

// takeAlone finds endpoints at which fewer requests wait than make a stall: a
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
		if oldest := e.open.Alone(now); oldest > 0 {
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

func (g *Guard) takeAloneOf(e *Endpoint, now stats.Instant) {
	answered, quiet := e.open.LastAnswer(), e.open.Quiet(now)
	n, oldest, limit := 0, time.Duration(0), time.Duration(0)
	e.open.Each(func(t *flight.Ticket, w flight.Word) {
		if age, yes := t.AloneFor(w, quiet, now); yes && g.take(t, w, now) {
			n++
			oldest = max(oldest, age)
			limit, _ = t.Patience()
		}
	})
	if n == 0 {
		return
	}
	e.forgive(answered)
	e.vain += n
	g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.TakeBack, Cause: journal.Stall, Evidence: journal.Evidence{Stuck: n, Oldest: oldest, Limit: limit}})
}

// forgive forgets those that waited in vain before the last answer.
func (e *Endpoint) forgive(answered uint32) {
	if e.vainSince != answered {
		e.vain, e.vainSince = 0, answered
	}
}
