package arena

import (
	"cmp"
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
	Forecasts      []forecast
	Held, Outcomes int      // forecasts for the policy in force whose interval held, and all
	Fitted, Busy   int      // endpoints whose model fits, of those that are busy
	Misfits        []string // in words
}

// choices are what adaptive came to.
type choices struct {
	Scaled, Usual struct{ Right, All, Control int } // nearly the best; all; and in how many round-robin is
	Said          []string
}

const (
	busyFrom  = 0.7 // share of its slots from which on an endpoint counts as busy: waiting shows its capacity
	leastOf   = 50  // records that a model rests on
	closeness = 0.15
	nearBest  = 1.05

	leastOutcomes = 200
)

// word gathers it from runs.
func (e *evidence) word(r runs) (t *trust) {
	t = &trust{}
	for round := 1; round <= r.Options().Rounds; round++ {
		for _, id := range predicted {
			t.heard(r, id, round)
		}
	}
	return t
}

// heard takes in the runs of a scenario.
func (t *trust) heard(r runs, id string, round int) {
	seen := map[string][]decision{}
	sc, _ := scenario.Find(id)
	for _, p := range policies {
		c := r.Of(bench.Key{Scenario: id, Subject: p, Round: round})
		if !c.Good() {
			continue
		}
		j := journalOf(c)
		seen[p] = j.late(r.Options().Length)
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
}

// chosen looks at what adaptive came to.
func (e *evidence) chosen() *choices {
	t := &choices{}
	for round := 1; round <= e.size.Spoken; round++ {
		for _, id := range predicted {
			losses := e.losses(id, round)
			t.look(e.spoken, id, round, losses)
			if e.long != nil && round == 1 && slices.Contains(realTime, id) {
				t.look(e.long, id, round, losses)
			}
		}
	}
	return t
}

// losses in ms of all policies, nil unless all were measured.
func (e *evidence) losses(id string, round int) map[string]float64 {
	all := map[string]float64{}
	for _, p := range policies {
		c := e.spoken.Of(bench.Key{Scenario: id, Subject: p, Round: round})
		switch {
		case c.Good():
			all[p] = c.Values["loss"]
		case c != nil || !hashes(p):
			return nil
		}
	}
	return all
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

// look compares what adaptive came to with what each policy had.
func (t *choices) look(r runs, id string, round int, losses map[string]float64) {
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
	into, times := &t.Scaled, ""
	if r.Options().Evaluate == usualEvaluate {
		into, times = &t.Usual, ", with the usual times"
	}
	best := slices.Min(slices.Collect(maps.Values(losses)))
	into.All++
	if l <= nearBest*best {
		into.Right++
	}
	if losses[control] <= nearBest*best {
		into.Control++
	}
	t.Said = append(t.Said, fmt.Sprintf("- %s%s: %s, %.2f × the best", id, times, chosen, l/best))
}

func percent(n, of int) float64 {
	if of == 0 {
		return math.NaN()
	}
	return 100 * float64(n) / float64(of)
}

func (e *evidence) judgeWord(s *figure.Sheet) {
	e.judgeTrust(s, "E5 ", e.spoken)
	if e.usual != nil {
		e.judgeTrust(s, "E5 usual, ", e.usual)
	} else {
		for _, f := range trusted("E5 usual, ") {
			s.NotRun(f.ID, e.size.Name+" has no such runs")
		}
	}
	c := e.chosen()
	want := e.size.Spoken * len(predicted)
	e.put(s, "E5 choice", percent(c.Scaled.Right, c.Scaled.All), percent(c.Scaled.Control, c.Scaled.All), lacks(c.Scaled.All, want, "choices"))
	e.put(s, "E5 real time", percent(c.Usual.Right, c.Usual.All), percent(c.Usual.Control, c.Usual.All), lacks(c.Usual.All, len(realTime), "choices"))
}

// trusted are the figures of what the engine says.
func trusted(prefix string) []figure.Figure {
	return []figure.Figure{
		{ID: prefix + "predicted", What: "predictions for policies that had not run, within 15 %", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "what the incumbent has"},
		{ID: prefix + "fitted", What: "busy endpoints with capacity within a step and service time within 10 %", Unit: "%", AtMost: 90, Least: true, Count: true},
		{ID: prefix + "covered", What: "outcomes within the 90 % interval", Unit: "%", AtMost: 85, Least: true, Count: true},
		{ID: prefix + "not too wide", What: "the same", Unit: "%", AtMost: 95, Count: true},
		{ID: prefix + "outcomes", What: "outcomes that the two rest on", Unit: "", AtMost: leastOutcomes, Least: true, Count: true},
	}
}

func (e *evidence) judgeTrust(s *figure.Sheet, prefix string, r runs) {
	t := e.word(r)
	right, naive := t.close()
	pairs := r.Options().Rounds * len(predicted) * (len(policies) - 1) * (len(policies) - 2) // bounded-hash only where there are keys
	lacking := lacks(len(t.Forecasts), pairs, "forecasts")
	e.put(s, prefix+"predicted", percent(right, len(t.Forecasts)), percent(naive, len(t.Forecasts)), lacking)
	e.put(s, prefix+"fitted", percent(t.Fitted, t.Busy), math.NaN(), cmp.Or(lacking, lacks(t.Busy, 1, "busy endpoints")))
	for _, id := range []string{"covered", "not too wide"} {
		e.put(s, prefix+id, percent(t.Held, t.Outcomes), math.NaN(), lacks(t.Outcomes, leastOutcomes, "outcomes"))
	}
	e.put(s, prefix+"outcomes", float64(t.Outcomes), math.NaN(), lacks(t.Outcomes, 1, "outcomes"))
}

// put adds a figure, and why it is not judged where something is lacking.
func (e *evidence) put(s *figure.Sheet, id string, value, other float64, lacking string) {
	if !math.IsNaN(value) {
		s.Add(id, value)
	}
	if !math.IsNaN(other) {
		s.Control(id, other)
	}
	switch why := e.verdictless(); {
	case why != "" && !math.IsNaN(value):
		s.NotRun(id, fmt.Sprintf("%s: %.3g", why, value))
	case why != "":
		s.NotRun(id, why)
	case lacking != "":
		s.NotRun(id, lacking)
	}
}

// lacks says how many there are of what is needed, "" of enough.
func lacks(there, needed int, of string) string {
	if there >= needed {
		return ""
	}
	return fmt.Sprintf("%d of %d %s are there", there, needed, of)
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

func (t *choices) text() []string {
	return append([]string{fmt.Sprintf("In %d of %d runs of adaptive, and in %d of %d with the engine's usual times, the policy that it had come to is at most 5 %% above the best:", t.Scaled.Right, t.Scaled.All, t.Usual.Right, t.Usual.All)}, t.Said...)
}
