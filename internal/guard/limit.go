package guard

import (
	"math"

	"poise/internal/guard/admit"
	"poise/internal/guard/journal"
)

// Mode says what the adaptive limits of a cluster do.
type Mode uint8

// The modes.
const (
	Observe Mode = iota // limits are learnt and shown, and keep nobody out
	Enforce             // a learnt limit is kept
	Fixed               // Options.Limit is kept
	Off                 // nothing is learnt
)

// tellLimit notes a limit that has changed by a fifth, at most every so often.
func (g *Guard) tellLimit(e *Endpoint) {
	change := e.proposed - e.enforced
	if 5*max(change, -change) < max(e.enforced, 1) || e.enforced != 0 && g.ticked.Sub(e.toldAt) < tellAgain {
		return
	}
	if e.enforced != 0 {
		g.journal.Push(journal.Action{At: g.ticked, Endpoint: e.address, Kind: journal.Limit, Evidence: journal.Evidence{From: e.enforced, To: e.proposed}})
	}
	e.enforced, e.toldAt = e.proposed, g.ticked
}

// learnLimit takes what an endpoint's limit has come to since the last time.
func (e *Endpoint) learnLimit() {
	if limit, learnt := e.gradient.Learn(e.stats, e.live.Inflight()); learnt {
		e.proposed = limit
	}
}

// learnLimits learns, and puts in force what is to be enforced. The caller
// holds the lock.
func (g *Guard) learnLimits() {
	for _, m := range g.members {
		e := m.guard
		switch g.options.Concurrency {
		case Fixed:
			e.proposed = g.options.Limit
			e.limit.Store(int32(min(g.options.Limit, math.MaxInt32)))
		case Enforce:
			e.learnLimit()
			if e.proposed == 0 {
				e.proposed = admit.Initial
			}
			e.limit.Store(int32(e.proposed))
			g.tellLimit(e)
		case Observe:
			e.learnLimit()
			e.limit.Store(0)
		default:
			e.proposed = 0
			e.limit.Store(0)
		}
	}
}
