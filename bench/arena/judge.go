package arena

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"poise/bench/figure"
)

const (
	notWorse  = 1.03 // of the best peer's p99
	better    = 0.8
	betterIn  = 3 // scenarios
	byControl = "poise round-robin"
)

// Figures are those of E7 and E5.
func Figures() (all []figure.Figure) {
	for _, id := range Against {
		all = append(all, figure.Figure{
			ID: "E7 " + id, What: "p99 of adaptive, of the best peer", Unit: "x", AtMost: notWorse, Against: "round-robin instead",
		})
	}
	return append(all,
		figure.Figure{ID: "E7 better", What: fmt.Sprintf("scenarios in which it is at most %g x", better), Unit: "of 7", AtMost: betterIn, Least: true, Count: true, Against: "round-robin instead"},
		figure.Figure{ID: "E5 predicted", What: "predictions for policies that had not run, within 15 %", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "what the incumbent has"},
		figure.Figure{ID: "E5 choice", What: "scenarios in which the engine's choice is at most 5 % above the best", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "round-robin instead"},
		figure.Figure{ID: "E5 fitted", What: "busy endpoints with capacity within a step and service time within 10 %", Unit: "%", AtMost: 90, Least: true, Count: true},
		figure.Figure{ID: "E5 covered", What: "outcomes within the 90 % interval", Unit: "%", AtMost: 85, Least: true, Count: true},
		figure.Figure{ID: "E5 not too wide", What: "the same", Unit: "%", AtMost: 95, Count: true},
		figure.Figure{ID: "E5 outcomes", What: "outcomes that the two rest on", Unit: "", AtMost: 200, Least: true, Count: true},
	)
}

// Judge puts what the full size showed into a sheet. Figures whose cells are
// not all there are not judged, and say what there is.
func (r *Runner) Judge(s *figure.Sheet) {
	r.judge7(s)
	r.judge5(s)
}

// column is a value of a subject by round; NaN where there is no good cell.
func (r *Runner) column(size, scenario, subject, value string) []float64 {
	all := make([]float64, Rounds[size])
	for i := range all {
		all[i] = math.NaN()
		if c := r.Of(Key{size, scenario, subject, i + 1}); c.Good() {
			all[i] = c.Values[value]
		}
	}
	return all
}

// good are the numbers among them.
func good(all []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(all), math.IsNaN)
}

// bestPeer is the one whose median p99 is the least.
func (r *Runner) bestPeer(size, scenario string) (name string) {
	least := math.Inf(1)
	for _, p := range Peers {
		if m := figure.Median(good(r.column(size, scenario, p, "p99"))); m < least {
			least, name = m, p
		}
	}
	return name
}

// ratios are a subject's p99 over the best peer's, round by round, of those
// rounds that both have.
func (r *Runner) ratios(size, scenario, subject string) (all []float64) {
	best := r.column(size, scenario, r.bestPeer(size, scenario), "p99")
	for i, v := range r.column(size, scenario, subject, "p99") {
		all = append(all, v/best[i])
	}
	return good(all)
}

func (r *Runner) judge7(s *figure.Sheet) {
	wins, controls, whole := 0, 0, 0
	for _, id := range Against {
		peers := 0
		for _, p := range Peers {
			peers += len(good(r.column(Full, id, p, "p99")))
		}
		ours, control := r.ratios(Full, id, Adaptive), r.ratios(Full, id, byControl)
		for _, v := range ours {
			s.Add("E7 "+id, v)
		}
		for _, v := range control {
			s.Control("E7 "+id, v)
		}
		if peers < len(Peers)*Rounds[Full] || len(ours) < Rounds[Full] || len(control) == 0 {
			s.NotRun("E7 "+id, r.soFar(id))
			continue
		}
		whole++
		if _, hi := figure.Interval(ours); hi <= better {
			wins++
		}
		if figure.Median(control) <= better {
			controls++
		}
	}
	if whole < len(Against) {
		s.NotRun("E7 better", fmt.Sprintf("%d of %d scenarios measured", whole, len(Against)))
	}
	s.Add("E7 better", float64(wins))
	s.Control("E7 better", float64(controls))
}

// soFar says what there is of a scenario, quick or not.
func (r *Runner) soFar(id string) string {
	var all []string
	for _, size := range []string{Full, Quick} {
		for _, name := range []string{Adaptive, "poise expected-delay"} {
			if v := r.ratios(size, id, name); len(v) > 0 {
				all = append(all, fmt.Sprintf("%s, %s: x %.2f of %s in %d rounds", size, name, figure.Median(v), r.bestPeer(size, id), len(v)))
			}
		}
	}
	return "cells are missing; so far: " + strings.Join(all, "; ")
}
