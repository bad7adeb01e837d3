// Package simulated measures in the simulator what the decision engine must
// reach: E1 to E4 of issue 4. Nothing here depends on how busy the machine is:
// the same seeds give the same figures.
package simulated

import (
	"slices"

	"poise/bench/figure"
	"poise/internal/lb"
)

// classical are the policies that a judge is handed over from.
var classical = []string{"round-robin", "random", "least-request", "p2c", "peak-ewma", "hot-cold", "bounded-hash"}

// policies are the fixed ones that hindsight chooses from: all that there are.
var policies = append(append([]string{}, noRings...), "ring-hash", "maglev")

// noRings are those of them that do not send a key to its endpoint come what may.
var noRings = append(append([]string{}, classical...), "expected-delay")

const (
	adaptive = "adaptive"
	learned  = "expected-delay"
)

// Figures are E1 to E4.
func Figures() []figure.Figure {
	all := []figure.Figure{
		{ID: "E1 whole", What: "loss of adaptive over that of the best fixed policy in hindsight, whole run, geometric mean of all scenarios but the fresh", AtMost: 1.05, Against: "round-robin for ever"},
		{ID: "E1 whole, fresh", What: "the same, scenarios that were written before any tuning", AtMost: 1.05, Against: "round-robin for ever"},
	}
	for _, p := range classical {
		all = append(all, figure.Figure{
			ID: "E1 from " + p, AtMost: 1.03, Against: p + " for ever",
			What: "the same from 30 s after the first permitted switch, handed over from " + p,
		})
	}
	return append(all,
		figure.Figure{ID: "E1 from worst, fresh", What: "the same, fresh scenarios, the incumbent from which it is worst", AtMost: 1.03, Against: "that incumbent for ever"},
		figure.Figure{ID: "E2", What: "expected-delay over the better of least-request and hot-cold, geometric mean", AtMost: 0.95, Against: "p2c"},
		figure.Figure{ID: "E2 fresh", What: "the same, fresh scenarios", AtMost: 0.95, Against: "p2c"},
		figure.Figure{ID: "E2 over 1.10", What: "scenarios in which that is over 1.10; named below", AtMost: 2, Count: true},
		figure.Figure{ID: "E2 stays", What: "scenarios in which expected-delay loses 30 % or more and the engine has not begun to leave it by the second evaluation", AtMost: 0, Count: true},
		figure.Figure{ID: "E3 sabotage", What: "worst 2 minutes of a judge that is told the worst policy were the best, over the incumbent", AtMost: 1.2, Against: "that worst policy"},
		figure.Figure{ID: "E3 adversarial", What: "worst 2 minutes of adaptive over hot-cold, adversarial scenarios", AtMost: 1.2, Against: "round-robin"},
		figure.Figure{ID: "E4 steady", What: "switches in 10 steady minutes of equal endpoints, three seeds", AtMost: 0, Count: true, Against: "a judge that doubles every gain it sees"},
		figure.Figure{ID: "E4 named", What: "provoked conditions that the journal does not name within one evaluation", AtMost: 0, Count: true},
		figure.Figure{ID: "E4 right", What: "times that a policy gains 8 % or more and no right switch is begun within two evaluations", AtMost: 0, Count: true},
		figure.Figure{ID: "E4 dwell", What: "pairs of switches within the dwell, in all runs of this sheet", AtMost: 0, Count: true},
		figure.Figure{ID: "E4 histories", What: "10,000 random histories with two switches within a dwell", AtMost: 0, Count: true},
	)
}

// known panics when a policy is not one: a mistake in the plan.
func known(p string) string {
	if !slices.Contains(lb.Policies, p) {
		panic("no policy " + p)
	}
	return p
}
