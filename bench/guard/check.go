package guard

import (
	"fmt"
	"math"
)

// A Check is one bound of a figure.
type Check struct {
	Key    string // of the cell's value
	What   string
	Format string
	Bound  float64
	Least  bool // Bound is a lower one
	Own    bool // what only Poise can say of itself; others are not judged by it
}

// The checks. Shares are in percent.
var (
	failed    = Check{Key: "failed", What: "failed", Format: "%.4f %% failed", Bound: 0.01}
	p99       = Check{Key: "p99_ratio", What: "p99, of the calm one", Format: "p99 ×%.2f", Bound: 1.10}
	amplified = Check{Key: "attempts", What: "attempts per request during the fault", Format: "%.3f attempts", Bound: 1.2, Own: true}
	// A refused request is sent elsewhere for free, also without a guard. What
	// the guard spares is the attempt; without this bound, which is not in the
	// issue, the control would meet G2.
	direct       = Check{Key: "attempts", What: "attempts per request during the fault (tighter than the issue asks, to tell the control apart)", Format: "%.3f attempts", Bound: 1.05, Own: true}
	slower       = Check{Key: "slower", What: "slower than 1 s", Format: "%.4f %% over 1 s", Bound: 0.05}
	cuts         = Check{Key: "cuts_ratio", What: "answers cut, of what ejections and trials may cost", Format: "cut ×%.2f of the allowance", Bound: 1}
	hidden       = Check{Key: "hidden", What: "cut answers that the client did not see as cut", Format: "%.0f hidden", Bound: 0}
	otherwise    = Check{Key: "others", What: "failed otherwise than cut", Format: "%.4f %% failed otherwise", Bound: 0.01}
	at502        = Check{Key: "not_502", What: "not answered 502 within 100 ms while all are down", Format: "%.2f %% no quick 502", Bound: 1}
	attempts     = Check{Key: "attempts", What: "attempts per request while all are down", Format: "%.3f attempts", Bound: 1.05, Own: true}
	arrived      = Check{Key: "arrived", What: "attempts per request, as they came to the workers", Format: "%.3f attempts", Bound: 1.05}
	attemptsSoon = Check{Key: "attempts_early", What: "the same in its first 5 s", Format: "%.3f in the first 5 s", Bound: 1.05, Own: true}
	arrivedSoon  = Check{Key: "arrived_early", What: "the same in the first 5 s of the outage", Format: "%.3f in the first 5 s", Bound: 1.05}
	back         = Check{Key: "back", What: "failed from 1 s after the recovery", Format: "%.4f %% failed after it", Bound: 0.01}
	cpu          = Check{Key: "cpu_ratio", What: "CPU of the proxy in the outage, of calm", Format: "CPU ×%.2f", Bound: 1.5}
	rss          = Check{Key: "rss_ratio", What: "memory of the proxy in the outage, of calm", Format: "RSS ×%.2f", Bound: 1.5}
	within       = Check{Key: "within", What: "answers within 250 ms, of capacity", Format: "%.1f %% of capacity", Bound: 95, Least: true}
	admitted     = Check{Key: "admitted_ratio", What: "p99 of the admitted, of calm", Format: "p99 ×%.2f", Bound: 3}
	recovered    = Check{Key: "recovered", What: "failed from 2 s after the overload", Format: "%.4f %% failed after it", Bound: 0.01}
	recoveredP99 = Check{Key: "recovered_ratio", What: "p99 from then on, of calm", Format: "p99 ×%.2f after it", Bound: 1.25}
	ejected      = Check{Key: "ejected", What: "ejections", Format: "%.0f ejected", Bound: 0, Own: true}
)

// excess is how far a value is from the bound: up to 1 it is met. A value that
// is missing never is.
func (c *Check) excess(values map[string]float64) float64 {
	v, is := values[c.Key]
	switch {
	case !is || math.IsNaN(v):
		return math.Inf(1)
	case c.Bound == 0 && v <= 0:
		return 0
	case c.Bound == 0:
		return 1 + v
	case c.Least:
		return c.Bound / math.Max(v, 1e-9)
	}
	return v / c.Bound
}

// show writes the value with its name.
func (c *Check) show(v float64) string { return fmt.Sprintf(c.Format, v) }

// mostExcess bounds what is written: JSON has no infinities.
const mostExcess = 1e6

// Excess is that of the check which is missed by most: above 1 the figure is
// missed. What only Poise says of itself is asked of Poise alone.
func (s *Scenario) Excess(arm string, values map[string]float64) (worst float64) {
	asked := 0
	for i := range s.Checks {
		if c := &s.Checks[i]; !c.Own || own(arm) {
			worst = math.Max(worst, c.excess(values))
			asked++
		}
	}
	if asked == 0 {
		return math.NaN()
	}
	return math.Min(worst, mostExcess)
}
