package learn

import (
	"time"

	"poise/internal/stats"
)

// faults are the failures of an endpoint: counts that fade, which all
// endpoints together give the usual share by, and a quick average of its own.
type faults struct {
	bad, all float64
	recent   float64
	last     stats.Instant
}

const (
	faultsTau   = 5 * time.Second
	recentGain  = 0.05
	recentTau   = 2 * time.Second // once it is silent
	recentAfter = 500 * time.Millisecond
	// deadZone is what counts as none, just above what one failure makes of the
	// quick average. Without it each single failure of endpoints that all fail
	// now and then would empty one for seconds, and the rest would queue.
	deadZone = 0.06
	// leastCounted keeps a share of few attempts from being large.
	leastCounted = 10
)

func (f *faults) observe(now stats.Instant, bad bool) {
	d := decay(now.Sub(f.last), faultsTau)
	f.bad, f.all = f.bad*d, f.all*d+1
	f.recent = f.faded(now) * (1 - recentGain)
	if bad {
		f.bad++
		f.recent += recentGain
	}
	f.last = now
}

func (f *faults) faded(now stats.Instant) float64 {
	if f.recent == 0 {
		return 0
	}
	return f.recent * decay(now.Sub(f.last)-recentAfter, recentTau)
}

// beyond is the share of failures beyond what is usual.
func (f *faults) beyond(now stats.Instant, usual float64) float64 {
	return max(0, f.faded(now)-deadZone-2*usual)
}

// usualFailures is the share of failures of the cluster without its worst
// endpoint.
func (l *Learner) usualFailures() float64 {
	var bad, all, worst float64
	var worstBad, worstAll float64
	for _, m := range l.members {
		f := &m.faults
		d := decay(l.now.Sub(f.last), faultsTau)
		b, a := f.bad*d, f.all*d
		bad, all = bad+b, all+a
		if share := b / max(a, leastCounted); share > worst {
			worst, worstBad, worstAll = share, b, a
		}
	}
	return max(0, bad-worstBad) / max(all-worstAll, leastCounted)
}
