package guard

import (
	"time"

	"poise/internal/guard/journal"
	"poise/internal/stats"
)

// shedding is whether requests are being turned away.
type shedding struct {
	on          bool
	last, first uint64        // how many were, as of the last tick, and when it began
	at          stats.Instant // of the last time that some were
}

// shedQuiet is how long nobody must be turned away for it to be over.
const shedQuiet = 2 * time.Second

// tellShedding notes that requests begin to be turned away, and that it is
// over. The caller holds the lock.
func (g *Guard) tellShedding(now stats.Instant) {
	s, n := &g.shedding, g.queue.Shed()
	if n != s.last {
		if !s.on {
			s.on, s.first = true, s.last
			g.journal.Push(journal.Action{At: now, Kind: journal.ShedOn})
		}
		s.last, s.at = n, now
		return
	}
	if s.on && now.Sub(s.at) >= shedQuiet {
		s.on = false
		g.journal.Push(journal.Action{At: now, Kind: journal.ShedOff, Evidence: journal.Evidence{Shed: n - s.first}})
	}
}
