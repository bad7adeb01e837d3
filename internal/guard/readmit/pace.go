// Package readmit says how an endpoint comes back: by trials, one at a time, and
// then at a pace that grows.
package readmit

import (
	"math"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// LeastFactor is what a ramp begins with.
const LeastFactor = 0.1

// Factor is what an endpoint that has come a part of the way, in [0, 1],
// takes of its share: Envoy's slow start, max(10 %, part^(1/aggression)). An
// aggression of 1, which 0 means too, is linear.
func Factor(part, aggression float64) float64 {
	if aggression > 0 && aggression != 1 {
		part = math.Pow(part, 1/aggression)
	}
	return min(max(part, LeastFactor), 1)
}

// Pace spaces the picks of an endpoint that ramps up, by the virtual schedule
// of GCRA: one word, no bucket to refill. Zero means unpaced.
type Pace struct {
	spacing atomic.Int64 // ns between two picks
	next    atomic.Int64 // Instant the next pick is due
	part    atomic.Uint64
}

// Factor is the part of its share that the endpoint takes.
func (p *Pace) Factor() float64 {
	if p.spacing.Load() == 0 && p.part.Load() == 0 {
		return 1
	}
	return math.Float64frombits(p.part.Load())
}

// Set says what part of its share the endpoint takes, and what that is in
// picks a second. A rate of 0 or less means that the rate is not known and
// nothing is held back.
func (p *Pace) Set(part, rate float64) {
	p.part.Store(math.Float64bits(part))
	spacing := int64(0)
	if rate > 0 {
		spacing = int64(float64(time.Second) / rate)
	}
	p.spacing.Store(spacing)
}

// Take reports whether a pick is due, and takes it.
func (p *Pace) Take(now stats.Instant) bool {
	spacing := p.spacing.Load()
	if spacing == 0 {
		return true
	}
	next := p.next.Load()
	if next > int64(now)+spacing { // one may come early, for arrivals are not even
		return false
	}
	return p.next.CompareAndSwap(next, max(next, int64(now))+spacing)
}
