package guard

import (
	"time"

	"poise/internal/guard/flight"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Pending appends to into the attempts under way that have waited for their
// answer for least or longer, as long as into has room. Attempts are listed
// without a lock, so one that begins or ends meanwhile may be missed. An
// attempt whose client is still sending does not wait for the
// endpoint and is left out.
func (g *Guard) Pending(into []lb.Pending, now stats.Instant, least time.Duration) []lb.Pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		m.guard.open.Each(func(_ *flight.Ticket, w flight.Word) {
			if !w.Waits() || w.Taken() || len(into) == cap(into) {
				return
			}
			if age := w.Age(now); age >= least {
				into = append(into, lb.Pending{Endpoint: m.endpoint.ID, Age: age})
			}
		})
	}
	return into
}
