package sim

import (
	"slices"
	"testing"
	"time"

	"poise/internal/scenario"
)

// TestWhatAScenarioPromisesIsNamed plays every shipped scenario that promises a
// condition until it must have been named: within one evaluation.
func TestWhatAScenarioPromisesIsNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT-RUN under -short: a simulation")
	}
	const within = 11 * time.Second
	for _, s := range scenario.Shipped() {
		for _, e := range s.Expect {
			t.Run(s.Name+" "+e.Condition, func(t *testing.T) {
				t.Parallel()
				for seed := uint64(1); seed <= 3; seed++ {
					short := *s
					short.Run = min(s.Run, e.At+within+time.Second)
					short.Warm = min(s.Warm, short.Run/2)
					r := Play(&short, scenario.Draw(&short, seed), Contender{Name: Adaptive}, seed, Options{})
					if !slices.ContainsFunc(r.Decisions, func(d Told) bool {
						return d.At > e.At && d.At <= e.At+within && slices.Contains(d.Conditions, e.Condition)
					}) {
						t.Errorf("seed %d: not named; the journal says %+v", seed, r.Decisions)
					}
				}
			})
		}
	}
}
