package report

import (
	"cmp"
	"math"
	"slices"

	"poise/internal/stats"
)

// Estimate is a median with its 95 % interval.
type Estimate struct {
	Value, Lo, Hi float64 // NaN of nothing
	Rounds        int
	Within        bool // the interval comes from blocks of runs and holds no difference between runs
}

// estimate of a quantity. From six rounds on the interval is that of their
// median, whatever the distribution; below that it spans those that the runs
// have from their own blocks.
func (r *Row) estimate(quantity string) Estimate {
	var all []float64
	e := Estimate{Lo: math.Inf(1), Hi: math.Inf(-1), Within: true}
	for i := range r.Runs {
		v, is := r.Runs[i].Values[quantity]
		if !is {
			continue
		}
		all = append(all, v)
		s, is := r.Runs[i].Spread[quantity]
		if !is {
			s = [2]float64{v, v}
		}
		e.Lo, e.Hi = min(e.Lo, s[0], v), max(e.Hi, s[1], v)
	}
	e.Value, e.Rounds = stats.Median(all), len(all)
	switch {
	case len(all) == 0:
		e.Lo, e.Hi = math.NaN(), math.NaN()
	case len(all) >= stats.LeastForInterval:
		e.Lo, e.Hi = stats.Interval(all)
		e.Within = false
	}
	return e
}

// Apart reports whether the two intervals have nothing in common.
func (e Estimate) Apart(o Estimate) bool { return e.Hi < o.Lo || o.Hi < e.Lo }

func (e Estimate) known() bool { return !math.IsNaN(e.Value) }

// Loss is the estimate of the loss in ms.
func (r *Row) Loss() Estimate { return r.estimate("loss") }

// ranked are the rows that have runs, the least loss first.
func (s *Scenario) ranked() (all []*Row) {
	for i := range s.Rows {
		if s.Rows[i].Loss().known() {
			all = append(all, &s.Rows[i])
		}
	}
	slices.SortStableFunc(all, func(a, b *Row) int { return cmp.Compare(a.Loss().Value, b.Loss().Value) })
	return all
}

// Winner returns the subject with the least loss, those whose intervals overlap
// with its own, and false when nothing was measured. It is alone when nobody
// overlaps.
func (s *Scenario) Winner() (best *Row, beside []*Row, ok bool) {
	all := s.ranked()
	if len(all) == 0 {
		return nil, nil, false
	}
	for _, r := range all[1:] {
		if !r.Loss().Apart(all[0].Loss()) {
			beside = append(beside, r)
		}
	}
	return all[0], beside, true
}

// bestOf is the row of a kind with the least loss, nil of none.
func (s *Scenario) bestOf(k Kind) *Row {
	for _, r := range s.ranked() {
		if r.Kind == k {
			return r
		}
	}
	return nil
}

func (s *Scenario) row(subject string) *Row {
	i := slices.IndexFunc(s.Rows, func(r Row) bool { return r.Subject == subject })
	if i < 0 {
		return nil
	}
	return &s.Rows[i]
}

// reference is the median of a reference over rounds, NaN of none.
func reference(all []float64) float64 { return stats.Median(all) }

// first returns the run that plots over time show, nil of none.
func (r *Row) first() *Run {
	if len(r.Runs) == 0 {
		return nil
	}
	return &r.Runs[0]
}

// subjects are the names of all rows, in the order in which they first stand.
func (r *Results) subjects() (names []string) {
	for i := range r.Scenarios {
		for _, row := range r.Scenarios[i].Rows {
			if !slices.Contains(names, row.Subject) {
				names = append(names, row.Subject)
			}
		}
	}
	return names
}

// count of the cells in a state.
func (r *Results) count(s State) (n int) {
	for i := range r.Cells {
		if r.Cells[i].State == s {
			n++
		}
	}
	return n
}
