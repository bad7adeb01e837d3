package guard

import (
	"math"
	"time"

	"poise/internal/lb"
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

// gradient learns how many attempts an endpoint takes at a time before they
// only wait for each other: Gradient2 of Netflix's concurrency-limits. The
// limit shrinks while latency is above what it is in the long run, and grows
// by a small queue while it is not.
//
// It differs in three places. The queue is the square root of the limit where
// that is larger, as in Gradient1 and Envoy, so that a large endpoint is found
// within seconds. The long run learns an eighth as fast while the limit is
// what holds requests back: then the latency is the limit's own work, and
// learning it would let the limit creep upwards through a long overload. And
// an attempt that timed out or was told 429 takes a tenth away.
type gradient struct {
	limit float64
	long  float64 // seconds
	seen  int     // windows, up to warmUp

	answers uint64        // of the endpoint when the window began
	sum     time.Duration // likewise
	dropped uint64
}

const (
	limitInitial   = 20
	limitLeast     = 4
	limitMost      = 4096
	limitSmoothing = 0.2
	limitQueue     = 4
	limitTolerance = 1.5 // latency over the long run that is not yet too much
	limitLong      = 600 // windows that the long run stands for
	limitWarmUp    = 10  // windows that are averaged at first
	limitWindow    = 20  // answers that a window must hold
)

// limitSample is one window of an endpoint.
type limitSample struct {
	latency  float64 // mean, seconds
	inflight int     // under way
	dropped  bool    // attempts timed out or were told to come less often
}

// observe takes one window and returns the limit.
func (g *gradient) observe(s limitSample) int {
	if g.limit == 0 {
		g.limit = limitInitial
	}
	bound := float64(s.inflight) >= 0.9*g.limit
	g.learn(s.latency, bound)
	switch {
	case s.dropped:
		g.limit *= 0.9
	case float64(s.inflight) >= g.limit/2: // a limit that is not used says nothing
		slope := min(max(limitTolerance*g.long/s.latency, 0.5), 1)
		next := g.limit*slope + max(limitQueue, math.Sqrt(g.limit))
		g.limit += limitSmoothing * (next - g.limit)
	}
	g.limit = min(max(g.limit, limitLeast), limitMost)
	return int(g.limit)
}

// learn updates the long run.
func (g *gradient) learn(latency float64, bound bool) {
	if g.seen < limitWarmUp {
		g.seen++
		g.long += (latency - g.long) / float64(g.seen)
		return
	}
	gain := 2.0 / (limitLong + 1)
	if bound && latency > g.long {
		gain /= 8
	}
	g.long += gain * (latency - g.long)
	if g.long > 2*latency { // it has recovered: the load of before is no measure any more
		g.long *= 0.95
	}
}

// learnLimit ends the limit's window of an endpoint when it holds enough.
func (e *Endpoint) learnLimit() {
	s := e.stats.Latency.Snapshot()
	n := s.Count()
	if n < e.gradient.answers+limitWindow {
		return
	}
	dropped := e.drops()
	sample := limitSample{
		latency:  (s.Sum() - e.gradient.sum).Seconds() / float64(n-e.gradient.answers),
		inflight: e.live.Inflight(),
		dropped:  dropped > e.gradient.dropped,
	}
	e.gradient.answers, e.gradient.sum, e.gradient.dropped = n, s.Sum(), dropped
	if sample.latency > 0 {
		e.proposed = e.gradient.observe(sample)
	}
}

// drops are the attempts that say by themselves that there were too many.
func (e *Endpoint) drops() uint64 {
	return e.stats.Outcomes[lb.Timeout].Load() + e.stats.Outcomes[lb.Pressure].Load()
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
				e.proposed = limitInitial
			}
			e.limit.Store(int32(e.proposed))
		case Observe:
			e.learnLimit()
			e.limit.Store(0)
		default:
			e.proposed = 0
			e.limit.Store(0)
		}
	}
}
