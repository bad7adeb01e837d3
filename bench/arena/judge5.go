package arena

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"poise/bench/figure"
)

// A Forecast is what was predicted for a policy while another one ran, and
// what was measured when it ran itself with the same jobs. Losses in seconds.
type Forecast struct {
	Scenario, Incumbent, Policy string
	Round                       int
	Predicted, Measured         float64
	Before                      float64 // what the incumbent has: the forecast of one who knows nothing
}

func near(a, b, within float64) bool { return math.Abs(a/b-1) <= within }

// A trust is what the engine's word was worth, over many runs.
type trust struct {
	Forecasts       []Forecast
	Held, Outcomes  int      // forecasts for the policy in force whose interval held, and all
	Fitted, Busy    int      // endpoints whose model fits, of those that are busy
	Right, Choices  int      // scenarios in which the choice is nearly the best
	Control         int      // and in which round-robin is
	Misfits, Chosen []string // in words
}

const (
	busyFrom  = 0.7 // share of its slots from which on an endpoint counts as busy: waiting shows its capacity
	leastOf   = 50  // records that a model rests on
	closeness = 0.15
	nearBest  = 1.05
)

// trust gathers it from the cells of a size.
func (r *Runner) trust(size string) (t trust) {
	for round := 1; round <= Rounds[size]; round++ {
		for _, id := range Predicted {
			r.trustIn(size, id, round, &t)
		}
	}
	return t
}

func (r *Runner) trustIn(size, id string, round int, t *trust) {
	losses, seen := map[string]float64{}, map[string][]decision{}
	for _, p := range Advised {
		c := r.Of(Key{size, id, "poise advised " + p, round})
		if !c.Good() {
			continue
		}
		j := journalOf(c)
		losses[p], seen[p] = c.Values["loss"], j.late(lengths[size])
		held, all := j.covered()
		t.Held, t.Outcomes = t.Held+held, t.Outcomes+all
		t.models(c, found(id), seen[p])
	}
	for _, incumbent := range Advised {
		for _, p := range Advised {
			v := Forecast{id, incumbent, p, round, predicted(seen[incumbent], p), experienced(seen[p]), experienced(seen[incumbent])}
			if p != incumbent && !math.IsNaN(v.Predicted) && !math.IsNaN(v.Measured) {
				t.Forecasts = append(t.Forecasts, v)
			}
		}
	}
	t.choice(r.Of(Key{size, id, Scaled, round}), id, losses)
}

// models compares what was fitted in the last judgement with the truth. With
// caches there is no one service time; endpoints that an event changes are in
// no scenario of these.
func (t *trust) models(c *Cell, sc *Scenario, late []decision) {
	var busy []float64
	var workers []string
	if sc.Keys > 0 || len(late) == 0 || json.Unmarshal(c.Detail["busy"], &busy) != nil || json.Unmarshal(c.Detail["workers"], &workers) != nil {
		return
	}
	for _, m := range late[len(late)-1].Evidence.Endpoints {
		i := slices.Index(workers, m.Address)
		if i < 0 || i >= len(busy) || busy[i] < busyFrom || m.Records < leastOf {
			continue
		}
		class := sc.class(i)
		service := time.Duration(float64(sc.Work.Mean)*class.Slowness) + class.Distance
		t.Busy++
		if m.fits(class.Slots, service) {
			t.Fitted++
		} else {
			t.Misfits = append(t.Misfits, fmt.Sprintf("%s under %s: %d × %.1f ms for %d × %.1f ms (%.0f %% busy)", sc.ID, c.Key.Subject, m.Capacity, 1000*m.Service, class.Slots, ms(service), 100*busy[i]))
		}
	}
}

func (t *trust) choice(c *Cell, id string, losses map[string]float64) {
	if !c.Good() || len(losses) < len(Advised) {
		return
	}
	j := journalOf(c)
	chosen := j.final()
	best := math.Inf(1)
	for _, l := range losses {
		best = min(best, l)
	}
	l, known := losses[chosen]
	if !known {
		return
	}
	t.Choices++
	if l <= nearBest*best {
		t.Right++
	}
	if losses["round-robin"] <= nearBest*best {
		t.Control++
	}
	t.Chosen = append(t.Chosen, fmt.Sprintf("%s: %s, %.2f × the best", id, chosen, l/best))
}

func percent(n, of int) float64 {
	if of == 0 {
		return math.NaN()
	}
	return 100 * float64(n) / float64(of)
}

func (r *Runner) judge5(s *figure.Sheet) {
	t := r.trust(Full)
	right, naive := t.close()
	want := Rounds[Full] * len(Predicted)
	for _, f := range []struct {
		id             string
		value, control float64
		whole          bool
		why            string
	}{
		{"E5 predicted", percent(right, len(t.Forecasts)), percent(naive, len(t.Forecasts)), len(t.Forecasts) >= want*len(Advised), fmt.Sprintf("%d forecasts", len(t.Forecasts))},
		{"E5 choice", percent(t.Right, t.Choices), percent(t.Control, t.Choices), t.Choices >= want, fmt.Sprintf("%d choices", t.Choices)},
		{"E5 fitted", percent(t.Fitted, t.Busy), math.NaN(), len(t.Forecasts) >= want*len(Advised), fmt.Sprintf("%d busy endpoints", t.Busy)},
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
		if !f.whole {
			s.NotRun(f.id, "full: "+f.why+"; "+r.quick5(f.id))
		}
	}
}

// quick5 says what the trial size showed.
func (r *Runner) quick5(id string) string {
	t := r.trust(Trial)
	right, _ := t.close()
	switch id {
	case "E5 predicted":
		return fmt.Sprintf("trial: %d of %d forecasts", right, len(t.Forecasts))
	case "E5 choice":
		return fmt.Sprintf("trial: %d of %d choices", t.Right, t.Choices)
	case "E5 fitted":
		return fmt.Sprintf("trial: %d of %d endpoints", t.Fitted, t.Busy)
	}
	return fmt.Sprintf("trial: %d of %d outcomes", t.Held, t.Outcomes)
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
