package arena

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"poise/bench/figure"
	"poise/internal/lab/bench"
	"poise/internal/scenario"
)

// A forecast is what was predicted for a policy while another one ran, and
// what was measured when it ran itself with the same jobs. Losses in seconds.
type forecast struct {
	Scenario, Incumbent, Policy string
	Round                       int
	Predicted, Measured         float64
	Before                      float64 // what the incumbent has: the forecast of one who knows nothing
}

func near(a, b, within float64) bool { return math.Abs(a/b-1) <= within }

// A trust is what the engine's word was worth, over many runs.
type trust struct {
	Forecasts       []forecast
	Held, Outcomes  int // forecasts for the policy in force whose interval held, and all
	Fitted, Busy    int // endpoints whose model fits, of those that are busy
	Scaled, Usual   choices
	Misfits, Chosen []string // in words
}

// choices are what adaptive came to.
type choices struct{ Right, All, Control int } // nearly the best; all; and in how many round-robin is

const (
	busyFrom  = 0.7 // share of its slots from which on an endpoint counts as busy: waiting shows its capacity
	leastOf   = 50  // records that a model rests on
	closeness = 0.15
	nearBest  = 1.05
)

// trust gathers it from the cells.
func (e *evidence) trust() (t trust) {
	for round := 1; round <= e.size.Spoken; round++ {
		for _, id := range predicted {
			losses := e.trustIn(id, round, &t)
			t.choice(e.spoken, id, round, losses, &t.Scaled)
			if e.usual != nil && round == 1 && slices.Contains(realTime, id) {
				t.choice(e.usual, id, round, losses, &t.Usual)
			}
		}
	}
	return t
}

// trustIn returns the losses in ms of all policies, nil unless all were
// measured.
func (e *evidence) trustIn(id string, round int, t *trust) map[string]float64 {
	losses, seen, missing := map[string]float64{}, map[string][]decision{}, false
	sc, _ := scenario.Find(id)
	for _, p := range policies {
		c := e.spoken.Of(bench.Key{Scenario: id, Subject: p, Round: round})
		if !c.Good() {
			missing = missing || c != nil || !hashes(p)
			continue
		}
		j := journalOf(c)
		losses[p], seen[p] = c.Values["loss"], j.late(e.size.Length)
		held, all := j.covered()
		t.Held, t.Outcomes = t.Held+held, t.Outcomes+all
		t.models(c, sc, seen[p])
	}
	for _, incumbent := range policies {
		for _, p := range policies {
			v := forecast{id, incumbent, p, round, ofPolicy(seen[incumbent], p), experienced(seen[p]), experienced(seen[incumbent])}
			if p != incumbent && !math.IsNaN(v.Predicted) && !math.IsNaN(v.Measured) {
				t.Forecasts = append(t.Forecasts, v)
			}
		}
	}
	if missing {
		return nil
	}
	return losses
}

func hashes(policy string) bool { return policy == "bounded-hash" }

// models compares what was fitted in the last judgement with the truth, where
// there is one time of service.
func (t *trust) models(c *bench.Cell, sc *scenario.Scenario, late []decision) {
	a := bench.AccountOf(c)
	if a.Busy == nil || len(late) == 0 {
		return
	}
	for _, m := range late[len(late)-1].Evidence.Endpoints {
		i := slices.Index(a.Workers, m.Address)
		if i < 0 || a.Busy[i] < busyFrom || m.Records < leastOf {
			continue
		}
		e := &sc.Endpoints[i].Settings
		service := time.Duration(float64(e.Service)*e.Slow) + e.Network
		t.Busy++
		if m.fits(e.Slots, service) {
			t.Fitted++
		} else {
			t.Misfits = append(t.Misfits, fmt.Sprintf("%s under %s: %d × %.1f ms for %d × %.1f ms (%.0f %% busy)", sc.Name, c.Key.Subject, m.Capacity, 1000*m.Service, e.Slots, 1000*service.Seconds(), 100*a.Busy[i]))
		}
	}
}

// choice compares what adaptive came to with what each policy had.
func (t *trust) choice(r runs, id string, round int, losses map[string]float64, into *choices) {
	c := r.Of(bench.Key{Scenario: id, Subject: adaptive, Round: round})
	if !c.Good() || losses == nil {
		return
	}
	j := journalOf(c)
	chosen := j.final()
	l, is := losses[chosen]
	if !is {
		return
	}
	best := slices.Min(slices.Collect(maps.Values(losses)))
	into.All++
	if l <= nearBest*best {
		into.Right++
	}
	if losses[control] <= nearBest*best {
		into.Control++
	}
	t.Chosen = append(t.Chosen, fmt.Sprintf("%s: %s, %.2f × the best", id, chosen, l/best))
}

func percent(n, of int) float64 {
	if of == 0 {
		return math.NaN()
	}
	return 100 * float64(n) / float64(of)
}

func (e *evidence) judgeWord(s *figure.Sheet) {
	t := e.trust()
	right, naive := t.close()
	all := e.size.Spoken * len(predicted)
	pairs := all * (len(policies) - 1) * (len(policies) - 2) // bounded-hash only where there are keys
	for _, f := range []struct {
		id             string
		value, control float64
		whole          bool
		why            string
	}{
		{"E5 predicted", percent(right, len(t.Forecasts)), percent(naive, len(t.Forecasts)), len(t.Forecasts) >= pairs, fmt.Sprintf("%d forecasts of at least %d", len(t.Forecasts), pairs)},
		{"E5 choice", percent(t.Scaled.Right, t.Scaled.All), percent(t.Scaled.Control, t.Scaled.All), t.Scaled.All >= all, fmt.Sprintf("%d choices of %d", t.Scaled.All, all)},
		{"E5 real time", percent(t.Usual.Right, t.Usual.All), percent(t.Usual.Control, t.Usual.All), t.Usual.All >= len(realTime), fmt.Sprintf("%d choices of %d", t.Usual.All, len(realTime))},
		{"E5 fitted", percent(t.Fitted, t.Busy), math.NaN(), len(t.Forecasts) >= pairs && t.Busy > 0, fmt.Sprintf("%d busy endpoints", t.Busy)},
		{"E5 covered", percent(t.Held, t.Outcomes), math.NaN(), t.Outcomes >= 200, fmt.Sprintf("%d outcomes", t.Outcomes)},
		{"E5 not too wide", percent(t.Held, t.Outcomes), math.NaN(), t.Outcomes >= 200, fmt.Sprintf("%d outcomes", t.Outcomes)},
		{"E5 outcomes", float64(t.Outcomes), math.NaN(), t.Outcomes > 0, "no outcome"},
	} {
		if !math.IsNaN(f.value) {
			s.Add(f.id, f.value)
		}
		if !math.IsNaN(f.control) {
			s.Control(f.id, f.control)
		}
		switch why := e.verdictless(); {
		case why != "" && !math.IsNaN(f.value):
			s.NotRun(f.id, fmt.Sprintf("%s: %.3g, %s", why, f.value, f.why))
		case why != "":
			s.NotRun(f.id, why)
		case !f.whole:
			s.NotRun(f.id, f.why)
		}
	}
}

// close counts the forecasts that were close enough, and those that would have
// been if nothing changed with the policy.
func (t *trust) close() (right, naive int) {
	for _, f := range t.Forecasts {
		if near(f.Predicted, f.Measured, closeness) {
			right++
		}
		if near(f.Before, f.Measured, closeness) {
			naive++
		}
	}
	return right, naive
}

// errors are how far the forecasts were off, as the median of |ln(p/m)|, by
// policy.
func (t *trust) errors() map[string]float64 {
	by := map[string][]float64{}
	for _, f := range t.Forecasts {
		by[f.Policy] = append(by[f.Policy], math.Abs(math.Log(f.Predicted/f.Measured)))
	}
	out := map[string]float64{}
	for p, all := range by {
		out[p] = figure.Median(all)
	}
	return out
}

// text says all of it, a paragraph each.
func (t *trust) text() (all []string) {
	right, naive := t.close()
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	say("Of %d forecasts for policies that had not run, %d (%.0f %%) are within 15 %% of what was then measured; had the incumbent's loss been the forecast, %d would be.", len(t.Forecasts), right, percent(right, len(t.Forecasts)), naive)
	off := t.errors()
	for _, p := range slices.Sorted(maps.Keys(off)) {
		say("- Forecasts for %s are off by %.0f %% in the median.", p, 100*(math.Exp(off[p])-1))
	}
	say("Of %d forecasts for the policy in force, %d (%.0f %%) held what was then measured within their 90 %% interval.", t.Outcomes, t.Held, percent(t.Held, t.Outcomes))
	say("Of %d busy endpoints (from %.0f %% of their slots on), %d (%.0f %%) are fitted within a step of capacity and 10 %% of service time.", t.Busy, 100*busyFrom, t.Fitted, percent(t.Fitted, t.Busy))
	say("In %d of %d runs of adaptive, and in %d of %d with the engine's usual times, the policy that it had come to is at most 5 %% above the best:", t.Scaled.Right, t.Scaled.All, t.Usual.Right, t.Usual.All)
	for _, c := range t.Chosen {
		say("- %s", c)
	}
	const most = 20
	for i, m := range t.Misfits {
		if i == most {
			say("- and %d more misfits", len(t.Misfits)-most)
			break
		}
		say("- misfit: %s", m)
	}
	return all
}
