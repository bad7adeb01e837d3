package figure

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
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

func TestTheFileSaysWhatAVerdictRestsOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "9.json")
	sheet := NewSheet(9, []Figure{{ID: "count", AtMost: 1, Least: true, Count: true}, {ID: "few rounds", AtMost: 1}, {ID: "nothing", AtMost: 1}})
	sheet.Add("count", 1)
	sheet.Add("few rounds", 0.5)
	if err := sheet.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Figures []struct {
			Median   *float64
			Interval *[2]float64
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	count, few, nothing := got.Figures[0], got.Figures[1], got.Figures[2]
	if count.Median == nil || *count.Median != 1 || count.Interval == nil || *count.Interval != [2]float64{1, 1} {
		t.Errorf("a count of 1: %v, %v", count.Median, count.Interval)
	}
	if few.Median == nil || *few.Median != 0.5 || few.Interval != nil {
		t.Errorf("a round: %v, %v; want its median, and no interval", few.Median, few.Interval)
	}
	if nothing.Median != nil || nothing.Interval != nil {
		t.Errorf("nothing measured: %v, %v", nothing.Median, nothing.Interval)
	}
}

func TestAFigureThatIsNotMeasuredKeepsWhatWasFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "9.json")
	two := func() []Figure { return []Figure{{ID: "A", AtMost: 1, Count: true}, {ID: "B", AtMost: 1, Count: true}} }
	first := NewSheet(9, two())
	if err := first.Keep(path); err != nil {
		t.Fatalf("without a file: %v", err)
	}
	first.Versions["poise"] = "abc"
	first.Add("A", 0.5)
	first.Add("B", 0.5)
	first.Sample(0, "a", map[string]float64{"us": 1})
	first.Sample(0, "b", map[string]float64{"us": 1})
	if err := first.Write(path); err != nil {
		t.Fatal(err)
	}
	second := NewSheet(9, two())
	second.Add("B", 2)
	second.Sample(0, "b", map[string]float64{"us": 2})
	if err := second.Keep(path); err != nil {
		t.Fatal(err)
	}
	a, b := second.Figures[0], second.Figures[1]
	if len(a.Rounds) != 1 || a.Rounds[0] != 0.5 || !strings.Contains(a.Taken, "abc") {
		t.Errorf("A: %+v; want the round of the first run, and when it was", a)
	}
	if len(b.Rounds) != 1 || b.Rounds[0] != 2 || b.Taken != "" {
		t.Errorf("B: %+v; want the round of this run alone", b)
	}
	if len(second.Raw) != 2 || second.Raw[0].Values["us"] != 2 || second.Raw[1].Of != "a" {
		t.Errorf("samples: %+v; want b of this run and a of the first", second.Raw)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := second.Keep(path); err == nil {
		t.Error("half a file was taken")
	}
}
