package admit

import (
	"math"
	"time"

	"poise/internal/lb"
)

// Gradient learns how many attempts an endpoint takes at a time before they
// only wait for each other: Gradient2 of Netflix's concurrency-limits. The
// limit shrinks while latency is above what it is in the long run, and grows
// by a small queue while it is not.
//
// It differs in three places. The queue is the square root of the limit where
// that is larger, as in Gradient1 and Envoy, so that a large endpoint is found
// within seconds. While the limit is what holds requests back the long run
// learns nothing, for then the latency is the limit's own work and learning it
// would let the limit creep upwards through a long overload; instead, every
// half minute of it, half the limit is kept for a second and the latency of
// that is the new long run. And an attempt that timed out or was told 429 takes
// a tenth away.
type Gradient struct {
	limit float64
	long  float64 // seconds
	seen  int     // windows, up to limitWarmUp
	bound int     // windows in a row in which the limit held requests back
	probe int     // windows left of the second with half the limit
	sum   float64 // of their latencies, the first half left out

	answers uint64        // of the endpoint when the window began
	latency time.Duration // their sum
	dropped uint64
}

// Initial is the limit before anything was learnt.
const Initial = 20

const (
	limitLeast      = 4
	limitMost       = 4096
	limitSmoothing  = 0.2
	limitQueue      = 4
	limitTolerance  = 1.5 // latency over the long run that is not yet too much
	limitLong       = 600 // windows that the long run stands for
	limitWarmUp     = 10  // windows that are averaged at first
	limitWindow     = 20  // answers that a window must hold
	limitProbeAfter = 300
	limitProbe      = 10
)

// limitSample is one window of an endpoint.
type limitSample struct {
	latency  float64 // mean, seconds
	inflight int     // under way
	dropped  bool    // attempts timed out or were told to come less often
}

// observe takes one window and returns the limit.
func (g *Gradient) observe(s limitSample) int {
	if g.limit == 0 {
		g.limit = Initial
	}
	if g.probe > 0 {
		return g.probed(s.latency)
	}
	if float64(s.inflight) >= 0.9*g.limit {
		g.bound++
	} else {
		g.bound = 0
	}
	if g.bound >= limitProbeAfter {
		g.bound, g.probe, g.sum = 0, limitProbe, 0
		return g.half()
	}
	g.learn(s.latency)
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

func (g *Gradient) half() int { return max(int(g.limit/2), limitLeast) }

// probed takes a window of the second with half the limit.
func (g *Gradient) probed(latency float64) int {
	if g.probe--; g.probe < limitProbe/2 {
		g.sum += latency
	}
	if g.probe > 0 {
		return g.half()
	}
	g.long = g.sum / (limitProbe / 2)
	return int(g.limit)
}

// learn updates the long run.
func (g *Gradient) learn(latency float64) {
	if g.seen < limitWarmUp {
		g.seen++
		g.long += (latency - g.long) / float64(g.seen)
		return
	}
	if g.bound > 0 && latency > g.long {
		return
	}
	g.long += 2.0 / (limitLong + 1) * (latency - g.long)
	if g.long > 2*latency { // it has recovered: the load of before is no measure any more
		g.long *= 0.95
	}
}

// Learn ends the window of an endpoint when it holds enough, and returns the
// limit then. So many attempts are under way now.
func (g *Gradient) Learn(s *lb.Stats, inflight int) (limit int, learnt bool) {
	latency := s.Latency.Snapshot()
	n := latency.Count()
	if n < g.answers+limitWindow {
		return 0, false
	}
	dropped := drops(s)
	sample := limitSample{
		latency:  (latency.Sum() - g.latency).Seconds() / float64(n-g.answers),
		inflight: inflight,
		dropped:  dropped > g.dropped,
	}
	g.answers, g.latency, g.dropped = n, latency.Sum(), dropped
	if sample.latency <= 0 {
		return 0, false
	}
	return g.observe(sample), true
}

// drops are the attempts that say by themselves that there were too many.
func drops(s *lb.Stats) uint64 {
	return s.Outcomes[lb.Timeout].Load() + s.Outcomes[lb.Pressure].Load()
}
