package figure

import (
	"math"
	"strings"
	"testing"
)

func TestIntervalTakesTheNarrowestPairThatCovers(t *testing.T) {
	ramp := func(n int) (s []float64) {
		for i := range n {
			s = append(s, float64(n-i)) // falling, so that it has to sort
		}
		return s
	}
	for _, tt := range []struct {
		n      int
		lo, hi float64
	}{
		{6, 1, 6},   // 96.9 %
		{8, 1, 8},   // 99.2 %; the next pair covers 93 %
		{9, 2, 8},   // 96.1 %
		{12, 3, 10}, // 96.1 %
		{25, 8, 18}, // 95.7 %
	} {
		if lo, hi := Interval(ramp(tt.n)); lo != tt.lo || hi != tt.hi {
			t.Errorf("Interval of 1…%d = %v, %v; want %v, %v", tt.n, lo, hi, tt.lo, tt.hi)
		}
	}
	if lo, hi := Interval(ramp(5)); !math.IsInf(lo, -1) || !math.IsInf(hi, 1) {
		t.Errorf("five rounds have an interval: %v, %v", lo, hi)
	}
}

func TestJudge(t *testing.T) {
	six := func(v float64) []float64 { return []float64{v, v, v, v, v, v} }
	for _, tt := range []struct {
		name string
		f    Figure
		want Verdict
	}{
		{"nothing measured", Figure{AtMost: 1}, NotRun},
		{"a reason beats every round", Figure{AtMost: 1, Rounds: six(0), Reason: "no nginx"}, NotRun},
		{"five rounds are too few", Figure{AtMost: 1, Rounds: six(0)[:5]}, NotRun},
		{"at the bound", Figure{AtMost: 1, Rounds: six(1)}, Pass},
		{"one of six above the bound", Figure{AtMost: 1, Rounds: append(six(0)[:5], 2)}, Miss},
		{"no number", Figure{AtMost: 1, Rounds: append(six(0)[:5], math.NaN())}, Miss},
		{"the control misses", Figure{AtMost: 1, Rounds: six(0), Against: "off", Control: six(2)}, Pass},
		{"the control passes too", Figure{AtMost: 1, Rounds: six(0), Against: "off", Control: six(1)}, Miss},
		{"no control", Figure{AtMost: 1, Rounds: six(0), Against: "off"}, NotRun},
		{"a lower bound", Figure{AtMost: 1, Least: true, Rounds: six(1)}, Pass},
		{"a count at its bound", Figure{AtMost: 0, Count: true, Rounds: []float64{0}}, Pass},
		{"a count above its bound", Figure{AtMost: 0, Count: true, Rounds: []float64{1}}, Miss},
		{"nothing counted", Figure{AtMost: 0, Count: true}, NotRun},
		{"below a lower bound", Figure{AtMost: 1, Least: true, Rounds: six(0.9)}, Miss},
	} {
		if got, why := tt.f.Judge(); got != tt.want || (got != Pass) != (why != "") {
			t.Errorf("%s: %s (%s), want %s", tt.name, got, why, tt.want)
		}
	}
}

func TestSheetSaysWhatWasNotRun(t *testing.T) {
	s := NewSheet(1, []Figure{{ID: "R1", What: "x", AtMost: 1}, {ID: "R2", What: "y", AtMost: 1}})
	for range MinRounds {
		s.Add("R1", 0.5)
	}
	s.NotRun("R2", "wrk is missing")
	var b strings.Builder
	if s.Print(&b) {
		t.Error("a sheet with a figure not run passes")
	}
	for _, want := range []string{"R1", "PASS", "R2", "NOT-RUN", "wrk is missing"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}
