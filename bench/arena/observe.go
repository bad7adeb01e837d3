package arena

import (
	"math"
	"time"

	"poise/internal/lab/bench"
	"poise/internal/load"
)

// What the bench that comes with Poise makes of requests is what is made of
// them here.
type sample = bench.Sample

const failureCost = bench.FailureCost

// busy is the share of its slots that each endpoint was at work over the span.
// Where there are caches it is too much.
func busy(in []sample, plan []load.Job, sc *Scenario, span time.Duration) []float64 {
	all := make([]float64, sc.number())
	for _, s := range in {
		if s.Worker < 0 || s.Worker >= len(all) || s.N >= len(plan) {
			continue
		}
		slowness := sc.slowness(s.Worker, float64(s.Due-warm)/float64(span))
		all[s.Worker] += plan[s.N].Work.Seconds() * slowness / (float64(sc.class(s.Worker).Slots) * span.Seconds())
	}
	for i := range all {
		all[i] = math.Round(1000*all[i]) / 1000
	}
	return all
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
