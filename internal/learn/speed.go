package learn

import (
	"math"
	"time"

	"poise/internal/stats"
)

// speed is how long an endpoint works on a request, in two moving averages of
// the log latency: a slow one that is precise and a fast one that notices when
// the slow one has become wrong. Then the slow one starts again from it.
//
// The averages are of logs since those of heavy-tailed times are steady; the
// mean is kept beside them, for time is what a request waits.
type speed struct {
	n             float64 // answers that count, fading with forgetTau while none comes
	slow, slowVar float64 // of the log, and the variance of that average in units of a single answer's
	fast, fastVar float64
	quick         float64 // faster still: has it become better?
	logVar        float64 // of a single answer's log
	mean, meanVar float64 // seconds, and the relative variance of a single answer
	last          stats.Instant
	better        bool
}

const (
	forgetTau   = 2 * time.Second
	slowGain    = 0.005
	fastGain    = 0.05
	quickGain   = 0.3
	spreadGain  = 0.01
	leastVar    = 0.04
	changeSigma = 3 // standard errors, and
	changeLeast = 0.3
	betterSigma = 0.6
	leastMean   = 1e-9
	mostMean    = 1e6
)

func (s *speed) known() bool { return s.n > 0 }

// p99 is the log of what a hundredth of the answers exceeds, were they
// log-normal.
func (s *speed) p99() float64 { return s.slow + 2.33*s.deviation() }

func (s *speed) deviation() float64 { return math.Sqrt(max(leastVar, s.logVar)) }

// observe takes an answer in: its latency alone at the endpoint, and the log
// of that. It reports whether the speed has changed.
func (s *speed) observe(now stats.Instant, latency, log float64) (changed bool) {
	if !s.known() {
		*s = speed{n: 1, slow: log, slowVar: 1, fast: log, fastVar: 1, quick: log, logVar: 1, mean: latency, meanVar: 1, last: now}
		return false
	}
	s.n = s.n*decay(now.Sub(s.last), forgetTau) + 1
	s.last = now
	s.spread(latency, log)

	mean := 1 / s.n // the gain of the average of all that counts
	gain := max(slowGain, mean)
	s.slow += gain * (log - s.slow)
	s.slowVar = s.slowVar*(1-gain)*(1-gain) + gain*gain
	s.mean += gain * (latency - s.mean)

	gain = max(fastGain, mean)
	s.fast += gain * (log - s.fast)
	s.fastVar = s.fastVar*(1-gain)*(1-gain) + gain*gain

	s.quick += quickGain * (log - s.quick)
	apart := math.Abs(s.fast - s.slow)
	changed = s.n > 5 && apart > changeLeast && apart > changeSigma*s.deviation()*math.Sqrt(s.fastVar)+changeLeast
	if changed {
		s.scale(s.fast - s.slow)
		s.slow, s.slowVar, s.n = s.fast, s.fastVar, 1/s.fastVar
	}
	s.better = s.quick < s.slow && s.quick-s.slow < -betterSigma*s.deviation()
	return changed
}

// spread learns how far single answers are from the averages. Outliers count
// capped: one must not make the next change invisible.
func (s *speed) spread(latency, log float64) {
	gain := max(spreadGain, 1/(s.n+1))
	d := log - s.slow
	s.logVar += gain * (min(d*d, 9) - s.logVar)
	d = latency/s.mean - 1
	s.meanVar += gain * (min(d*d, 25) - s.meanVar)
}

// scale multiplies the mean by exp(d), within what is a time at all.
func (s *speed) scale(d float64) { s.mean = min(max(s.mean*math.Exp(d), leastMean), mostMean) }

// rebase moves the averages by d, since what they are measured against has
// moved.
func (s *speed) rebase(d float64) {
	s.slow += d
	s.fast += d
	s.quick += d
	s.scale(d)
}
