package arena

import (
	"fmt"
	"math"
	"slices"

	"poise/bench/figure"
	"poise/internal/lab/bench"
)

const (
	notWorse = 1.03 // of the best peer's p99
	better   = 0.8
	betterIn = 3 // scenarios
)

// Figures are those of E7 and E5.
func Figures() (all []figure.Figure) {
	for _, id := range against {
		all = append(all, figure.Figure{
			ID: "E7 " + id, What: "p99 of adaptive, of the best peer", Unit: "x", AtMost: notWorse, Against: "round-robin instead",
		})
	}
	all = append(all,
		figure.Figure{ID: "E7 better", What: fmt.Sprintf("scenarios in which it is at most %g x", better), Unit: fmt.Sprintf("of %d", len(against)), AtMost: betterIn, Least: true, Count: true, Against: "round-robin instead"},
		figure.Figure{ID: "E5 choice", What: "scenarios in which the engine's choice is at most 5 % above the best", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "round-robin instead"},
		figure.Figure{ID: "E5 real time", What: "the same with the engine's usual times", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "round-robin instead"},
	)
	all = append(all, trusted("E5 ")...)
	return append(all, trusted("E5 usual, ")...)
}

func (e *evidence) judge(s *figure.Sheet) {
	e.judgeBeside(s)
	e.judgeWord(s)
}

// verdictless is why a size gives no verdict, "" of one that does.
func (e *evidence) verdictless() string {
	if e.size.Name == Full.Name {
		return ""
	}
	return e.size.Name + " gives no verdict"
}

// column is the p99 of a subject by round, in ms; NaN where there is no good
// cell.
func column(r runs, scenario, subject string) []float64 {
	o := r.Options()
	all := make([]float64, o.Rounds)
	for i := range all {
		all[i] = math.NaN()
		if c := r.Of(bench.Key{Scenario: scenario, Subject: subject, Round: i + 1}); c.Good() {
			all[i] = c.Values["p99"]
		}
	}
	return all
}

// known are the numbers among them.
func known(all []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(all), math.IsNaN)
}

// peersOf are the names of those that are no Poise.
func peersOf(r runs) (names []string) {
	o := r.Options()
	for i := range o.Subjects {
		if s := &o.Subjects[i]; s.Program != "poise" {
			names = append(names, s.Name)
		}
	}
	return names
}

// bestPeer is the one whose median p99 is the least.
func bestPeer(r runs, scenario string) (name string) {
	least := math.Inf(1)
	for _, p := range peersOf(r) {
		if m := figure.Median(known(column(r, scenario, p))); m < least {
			least, name = m, p
		}
	}
	return name
}

// ratios are a subject's p99 over the best peer's, round by round, of those
// rounds that both have.
func ratios(r runs, scenario, subject string) (all []float64) {
	best := column(r, scenario, bestPeer(r, scenario))
	for i, v := range column(r, scenario, subject) {
		all = append(all, v/best[i])
	}
	return known(all)
}

func (e *evidence) judgeBeside(s *figure.Sheet) {
	r := e.beside
	wins, controls, whole := 0, 0, 0
	for _, id := range against {
		there := 0
		for _, p := range peersOf(r) {
			there += len(known(column(r, id, p)))
		}
		ours, other := ratios(r, id, adaptive), ratios(r, id, control)
		for _, v := range ours {
			s.Add("E7 "+id, v)
		}
		for _, v := range other {
			s.Control("E7 "+id, v)
		}
		s.Versions["E7 "+id+", best peer"] = fmt.Sprintf("%s, p99 %.0f ms", bestPeer(r, id), figure.Median(known(column(r, id, bestPeer(r, id)))))
		if why := e.verdictless(); why != "" {
			s.NotRun("E7 "+id, fmt.Sprintf("%s: x %.2f of %s", why, figure.Median(ours), bestPeer(r, id)))
		} else if there < len(Peers)*e.size.Beside {
			s.NotRun("E7 "+id, fmt.Sprintf("%d of %d runs of peers are there", there, len(Peers)*e.size.Beside))
		} else {
			whole++
		}
		if _, hi := figure.Interval(ours); hi <= better {
			wins++
		}
		if figure.Median(other) <= better {
			controls++
		}
	}
	if whole < len(against) {
		s.NotRun("E7 better", fmt.Sprintf("%d of %d scenarios measured", whole, len(against)))
	}
	s.Add("E7 better", float64(wins))
	s.Control("E7 better", float64(controls))
}
