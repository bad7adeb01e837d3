package guard

import (
	"math"
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/stats"
)

// TestHeavyTailsEjectNobodyInAnHour has equal endpoints whose answers are rarely
// twenty times slower than the rest, or of a Pareto tail.
func TestHeavyTailsEjectNobodyInAnHour(t *testing.T) {
	simulated(t)
	for name, draw := range map[string]func(u float64) time.Duration{
		"95 % quick, 5 % twenty times slower": func(u float64) time.Duration {
			if u < 0.05 {
				return 205 * time.Millisecond
			}
			return 10300 * time.Microsecond
		},
		"Pareto of index 1.5": func(u float64) time.Duration {
			return time.Duration(7e6 * math.Pow(1-u, -1/1.5))
		},
	} {
		for _, n := range []int{22, 35, 140} { // answers a second of each
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFleet(10, Defaults())
				f.pass(11 * time.Second)
				f.actions()
				dice := stats.NewDice(uint64(n))
				far := 0
				for range 3600 {
					for _, e := range f.endpoints {
						for range n {
							e.Stats.Latency.Observe(draw(dice.Float64()))
						}
					}
					f.second(0, make([]time.Duration, 10)...)
					for _, e := range f.endpoints {
						if of(e).latency.slow > 0 {
							far++
						}
					}
				}
				t.Logf("%d of 36000 windows stood out", far)
				if f.out() > 0 {
					t.Errorf("%d are out: %+v", f.out(), f.actions())
				}
				for _, a := range f.actions() {
					if a.Kind == journal.Eject || a.Kind == journal.HoldBack {
						t.Errorf("%s %s", a.Endpoint, a.Text())
						break
					}
				}
			})
		}
	}
}
