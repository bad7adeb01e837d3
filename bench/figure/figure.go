// Package figure judges measurements: a figure has a target, rounds, a median
// with its interval, and a control that must miss. It measures nothing itself.
package figure

import (
	"fmt"
	"math"
	"slices"

	"poise/internal/stats"
)

// MinRounds is the fewest rounds that a verdict may rest on.
const MinRounds = stats.LeastForInterval

// A Verdict is what became of a figure.
type Verdict string

// The verdicts. NotRun is never a pass.
const (
	Pass   Verdict = "PASS"
	Miss   Verdict = "MISS"
	NotRun Verdict = "NOT-RUN"
)

// A Figure is one number that must be reached.
type Figure struct {
	ID     string  `json:"id"`
	What   string  `json:"what"`
	Unit   string  `json:"unit"`
	AtMost float64 `json:"at_most"`           // the upper end of the interval must not exceed it
	Least  bool    `json:"at_least,omitzero"` // AtMost is a lower bound instead: the lower end must reach it
	Count  bool    `json:"count,omitzero"`    // counted, not sampled: one round says all

	Rounds  []float64 `json:"rounds"`
	Control []float64 `json:"control,omitempty"`      // the same, with the thing switched off
	Against string    `json:"control_what,omitempty"` // what the control is
	Reason  string    `json:"reason,omitempty"`       // why it was not run
	Taken   string    `json:"taken,omitempty"`        // when and with which Poise, where that is not the sheet's
}

// Target returns the bound as it is printed.
func (f *Figure) Target() string {
	if f.Least {
		return fmt.Sprintf(">= %.4g", f.AtMost)
	}
	return fmt.Sprintf("<= %.4g", f.AtMost)
}

// Judge returns the verdict and, unless it is PASS, why.
func (f *Figure) Judge() (Verdict, string) {
	if f.Reason != "" {
		return NotRun, f.Reason
	}
	if need := f.need(); len(f.Rounds) < need {
		return NotRun, fmt.Sprintf("%d good rounds, %d are needed", len(f.Rounds), need)
	}
	if !f.meets(f.Rounds) {
		return Miss, "the interval does not meet the target"
	}
	switch {
	case f.Against == "":
		return Pass, ""
	case len(f.Control) < f.need():
		return NotRun, "the control was not run"
	case f.meets(f.Control):
		return Miss, "the control meets the target as well: the figure does not tell them apart"
	}
	return Pass, ""
}

func (f *Figure) need() int {
	if f.Count {
		return 1
	}
	return MinRounds
}

// meets reports whether the whole interval is on the right side of the bound.
// A round that is not a number never is.
func (f *Figure) meets(rounds []float64) bool {
	lo, hi := f.interval(rounds)
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return false
	}
	if f.Least {
		return lo >= f.AtMost
	}
	return hi <= f.AtMost
}

// interval is what a verdict rests on: of counts, which no chance is in, all
// that there is.
func (f *Figure) interval(rounds []float64) (lo, hi float64) {
	if f.Count {
		return slices.Min(rounds), slices.Max(rounds)
	}
	return Interval(rounds)
}

// Median returns the median, NaN of nothing.
func Median(rounds []float64) float64 { return stats.Median(rounds) }

// Interval returns an interval that holds the true median with at least 95 %,
// and infinities below six rounds.
func Interval(rounds []float64) (lo, hi float64) { return stats.Interval(rounds) }
