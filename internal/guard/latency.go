package guard

import (
	"math"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/lb"
	"poise/internal/stats"
)

// The latency guard: an endpoint is ejected when its median, or its 90th
// percentile, is latencyTimes that of the typical endpoint in slowWindows
// windows one after the other, and also far outside the spread of the others
// (median absolute deviation). It is a coarse tool on purpose. An endpoint
// that is three times slower is of use, and balancing around it is the
// policies' work; when all are slow, none is far from the median.
const (
	latencyTimes   = 5
	latencySpreads = 5  // deviations, each 1.4826 × MAD, which is one sigma of a normal distribution
	leastAnswers   = 20 // that a window of an endpoint must hold
	slowWindows    = 3
	leastSlow      = 10 * time.Millisecond // below which nobody is slow enough to be worth it

	latencyEvery = time.Second      // a window
	latencyMost  = 10 * time.Second // after which a window with few answers ends all the same
	lagTimes     = 2                // median over that of the others at which a ramp waits
)

// latency is what the guard knows of an endpoint's latency.
type latency struct {
	begun  stats.Snapshot // when the window under way began
	at     stats.Instant
	recent stats.Snapshot // the last window that is over
	fresh  bool           // it ended with this judgement, with answers enough
	slow   int            // windows in a row that were too slow
	marked stats.Instant  // of the last judgement that found it so
	chance float64        // logarithm, of the slow windows by chance; of the last one alone with window
	window float64
	why    journal.Evidence
	peers  time.Duration // 99th percentile of the others, 0 when unknown
}

// restart begins a window and forgets the last one.
func (l *latency) restart(s *lb.Stats) {
	peers := l.peers
	*l = latency{begun: s.Latency.Snapshot(), peers: peers}
}

// turn ends the window when it holds enough, or has waited long enough.
func (l *latency) turn(s *lb.Stats, now stats.Instant) {
	total := s.Latency.Snapshot()
	window := total.Sub(&l.begun)
	l.fresh = window.Count() >= leastAnswers
	if l.fresh || now.Sub(l.at) >= latencyMost {
		l.recent, l.begun, l.at = window, total, now
	}
}

// lately is the last window with the one under way.
func (l *latency) lately(s *lb.Stats) stats.Snapshot {
	total := s.Latency.Snapshot()
	own := total.Sub(&l.begun)
	own.Add(&l.recent)
	return own
}

// judgeLatencies ends the windows and ejects outliers. The caller holds the
// lock.
func (g *Guard) judgeLatencies(now stats.Instant) {
	total := &g.answers
	*total = stats.Snapshot{}
	for _, m := range g.members {
		e := m.guard
		e.latency.turn(e.stats, now)
		if m.usable && e.phase.Load() != uint32(Ejected) {
			total.Add(&e.latency.recent)
		}
	}
	for _, m := range g.members {
		e := m.guard
		e.latency.peers = g.peersOf(m)
		if e.patient.Load() > 0 { // what a trial is measured by moves with the others
			e.patient.Store(int64(e.latency.peers))
		}
	}
	g.setHedge(total)
	for _, q := range [...]float64{0.9, 0.5} { // the median last: its evidence says more
		g.compare(q, now)
	}
	g.readRoom(now)
	g.ejectSlow(now)
}

// peersOf is the 99th percentile of the others, the last one known when they
// answered too little.
func (g *Guard) peersOf(m member) time.Duration {
	e := m.guard
	others := g.answers
	if m.usable && e.phase.Load() != uint32(Ejected) {
		others = others.Sub(&e.latency.recent)
	}
	if others.Count() < leastAnswers {
		return e.latency.peers
	}
	return others.Quantile(0.99)
}

// slowness is an endpoint beside the typical one.
type slowness struct {
	endpoint *Endpoint
	log      float64 // of the quantile in seconds
	outlier  bool
	evidence journal.Evidence
}

// compare marks the endpoints whose quantile is an outlier.
func (g *Guard) compare(q float64, now stats.Instant) {
	fresh := g.fresh[:0]
	for _, m := range g.members {
		e := m.guard
		if m.usable && e.latency.fresh && e.phase.Load() != uint32(Ejected) {
			d := e.latency.recent.Quantile(q)
			fresh = append(fresh, slowness{endpoint: e, log: math.Log(d.Seconds()), evidence: journal.Evidence{Latency: d, Attempts: float64(e.latency.recent.Count()), Over: latencyEvery}})
		}
	}
	logs := g.logs[:0]
	for i := range fresh {
		logs = append(logs, fresh[i].log)
	}
	g.logs = logs
	typical, spread, known := outlier.Center(logs)
	for i := range fresh {
		s := &fresh[i]
		s.evidence.Peers = time.Duration(math.Exp(typical) * float64(time.Second))
		s.outlier = known && isOutlier(s, typical, spread)
		if q == 0.5 {
			s.endpoint.ramp.lagging = known && s.log-typical > math.Log(lagTimes)
		}
		if s.outlier {
			others := g.answers.Sub(&s.endpoint.latency.recent)
			limit := time.Duration(math.Exp(typical+far(spread)) * float64(time.Second))
			s.endpoint.latency.mark(s.evidence, outlier.ChanceOf(&s.endpoint.latency.recent, &others, limit), now)
		}
	}
	g.fresh = fresh
}

func isOutlier(s *slowness, typical, spread float64) bool {
	return s.log-typical > far(spread) && s.evidence.Latency-s.evidence.Peers >= leastSlow
}

// far is by how much a logarithm stands out.
func far(spread float64) float64 { return max(math.Log(latencyTimes), latencySpreads*spread) }

// mark notes that the window that has just ended was too slow, and the
// logarithm of how likely that is by chance. Of two quantiles the less likely
// one counts.
func (l *latency) mark(why journal.Evidence, chance float64, now stats.Instant) {
	if l.marked != now {
		l.window = 0
	}
	l.marked, l.why, l.window = now, why, min(l.window, chance)
}

// ejectSlow counts the slow windows and ejects those that have had enough. One
// that ramps up is given the time to warm up.
func (g *Guard) ejectSlow(now stats.Instant) {
	for _, m := range g.members {
		e := m.guard
		if !m.usable || !e.latency.fresh || e.phase.Load() != uint32(Serving) {
			continue
		}
		if e.latency.marked != now {
			e.latency.slow, e.latency.chance = 0, 0
			continue
		}
		e.latency.slow++
		e.latency.chance += e.latency.window
		if e.latency.slow >= slowWindows && outlier.NoChance(e.latency.chance, e.latency.slow, len(g.members)) {
			g.follow(e, outlier.Charge{Cause: journal.Latency, Evidence: e.latency.why}, now)
		}
	}
}
