package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"poise/internal/report"
	"poise/internal/report/reporttest"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was; look at the difference, and write it with -update", name)
	}
}

func html(t *testing.T, r *report.Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPageTextAndPlotsAreWhatTheyWere(t *testing.T) {
	r := reporttest.Results(reporttest.Size{Policies: 4, Scenarios: 2, Endpoints: 4, Seconds: 15, Rounds: 1})
	golden(t, "page.html", html(t, r))
	var b bytes.Buffer
	if err := r.Markdown(&b, "plots"); err != nil {
		t.Fatal(err)
	}
	golden(t, "page.md", b.Bytes())
	plots := r.Plots()
	golden(t, "loss.svg", []byte(plots["loss-scenario-1.svg"]))
	golden(t, "card.svg", []byte(plots["scenario-1-adaptive.svg"]))
	golden(t, "page.txt", []byte(r.Text()))
	if len(plots) != 2*(4+1) {
		t.Errorf("%d plots; want one of the losses and one a subject, twice", len(plots))
	}
}

func TestAPageNeedsNoNetworkAndEscapesNames(t *testing.T) {
	r := reporttest.Results(reporttest.Size{Policies: 4, Scenarios: 1, Endpoints: 4, Seconds: 15, Rounds: 1})
	r.Scenarios[0].Rows[0].Subject = `<b>"x"`
	text := string(html(t, r))
	if strings.Contains(text, `<b>"x"`) || !strings.Contains(text, "&lt;b&gt;") {
		t.Error("a name is markup")
	}
	text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "") // a name that nobody looks up
	for _, bad := range []string{"http://", "https://", "src=", "@import", "url("} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for name, plot := range r.Plots() {
		d := xml.NewDecoder(strings.NewReader(plot))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", name, err)
			}
		}
	}
}

func TestTenPoliciesAndTwelveScenariosAreBelowTwoMegabytes(t *testing.T) {
	r := reporttest.Results(reporttest.Size{Policies: 10, Scenarios: 12, Endpoints: 10, Seconds: 33, Rounds: 6})
	if n := len(html(t, r)); n > 2_000_000 {
		t.Errorf("%d bytes", n)
	}
}

func TestNothingMeasuredIsSaidSo(t *testing.T) {
	r := &report.Results{Title: "x", Scenarios: []report.Scenario{{Name: "empty", Rows: []report.Row{{Subject: "p2c", Void: []string{"busy"}}}}}, Cells: []report.Cell{{Scenario: "empty", Subject: "p2c", Round: 1, State: report.Void, Why: "busy"}}}
	text := string(html(t, r))
	for _, want := range []string{"Nothing good was measured", "0 of 1 planned runs were measured; 1 are void", "empty, p2c, round 1: void, busy"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if r.Good() != 0 || len(r.Plots()) != 0 {
		t.Error("there are plots of nothing")
	}
	html(t, &report.Results{}) // nor does it crash
}

// three are subjects with losses and spreads.
func three(kind report.Kind, of map[string][3]float64) (rows []report.Row) {
	for _, name := range []string{"a", "b", "c"} {
		if v, is := of[name]; is {
			rows = append(rows, report.Row{Subject: name, Kind: kind, Runs: []report.Run{{Round: 1, Values: map[string]float64{"loss": v[0]}, Spread: map[string][2]float64{"loss": {v[1], v[2]}}}}})
		}
	}
	return rows
}

func TestTheWinnerAndThoseBesideIt(t *testing.T) {
	s := report.Scenario{Rows: three(report.Policy, map[string][3]float64{"a": {12, 10.5, 13}, "b": {10, 9, 11}, "c": {20, 18, 22}})}
	best, beside, ok := s.Winner()
	if !ok || best.Subject != "b" || len(beside) != 1 || beside[0].Subject != "a" {
		t.Errorf("%v, %v; want b, and a beside it", best, beside)
	}
	r := report.Row{}
	for i := range 7 { // from six rounds on the rounds say, not their blocks
		r.Runs = append(r.Runs, report.Run{Values: map[string]float64{"loss": float64(10 + i)}, Spread: map[string][2]float64{"loss": {0, 100}}})
	}
	if e := r.Loss(); e.Value != 13 || e.Lo != 10 || e.Hi != 16 || e.Within {
		t.Errorf("%+v; want 13 from 10 to 16", e)
	}
}

func TestAnEngineIsRightOrWrong(t *testing.T) {
	s := report.Scenario{Rows: three(report.Policy, map[string][3]float64{"a": {10, 9.9, 10.1}, "b": {10.5, 10.4, 10.6}, "c": {20, 18, 22}})}
	for final, want := range map[string]bool{"a": true, "b": true, "c": false} { // b is 5 % above a
		row := report.Row{Subject: "adaptive", Kind: report.Judge, Runs: []report.Run{{Values: map[string]float64{"loss": 11}, Final: final}}}
		if v := s.Judged(&row); v.Right != want || !v.Known || !strings.Contains(v.Text, "ended with "+final) {
			t.Errorf("%s: %+v", final, v)
		}
	}
	row := report.Row{Subject: "adaptive", Kind: report.Judge, Runs: []report.Run{{Final: "elsewhere"}}}
	if v := s.Judged(&row); v.Known || v.Right {
		t.Errorf("%+v; want no verdict about what was not measured", v)
	}
}

var anchors = regexp.MustCompile(`href="#([^"]+)"`)

func TestEveryReferenceWithinThePageIsThere(t *testing.T) {
	text := string(html(t, reporttest.Results(reporttest.Size{Policies: 5, Scenarios: 3, Endpoints: 6, Seconds: 20, Rounds: 2})))
	found := anchors.FindAllStringSubmatch(text, -1)
	if len(found) < 3 {
		t.Fatal("no references")
	}
	for _, m := range found {
		if !strings.Contains(text, `id="`+m[1]+`"`) {
			t.Errorf("nothing is called %s", m[1])
		}
	}
}

func TestTwoBenchesAgree(t *testing.T) {
	of := func(a, b, width float64) *report.Results {
		r := &report.Results{}
		s := report.Scenario{Name: "x", Rows: three(report.Policy, map[string][3]float64{"a": {a, a - width, a + width}, "b": {b, b - width, b + width}})}
		r.Scenarios = append(r.Scenarios, s)
		return r
	}
	for _, tt := range []struct {
		name       string
		one, other *report.Results
		want       report.Agreement
	}{
		{"the same, apart", of(10, 20, 1), of(11, 19, 1), report.Agreement{Apart: 1, Same: 1, Known: 1, Best: 1}},
		{"the same, apart in one", of(10, 20, 1), of(11, 12, 1), report.Agreement{Apart: 1, Same: 1, Known: 1, Best: 1}},
		{"another", of(10, 20, 1), of(20, 10, 1), report.Agreement{Apart: 1, Known: 1}},
		{"not to be told", of(10, 11, 1), of(11, 10, 1), report.Agreement{Known: 1, Best: 1}},
		{"one is not there", of(10, 20, 1), &report.Results{}, report.Agreement{}},
	} {
		if got := report.Agree(tt.one, tt.other); got != tt.want {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}

// TestARoundAlone takes two rounds of one bench apart.
func TestARoundAlone(t *testing.T) {
	r := reporttest.Results(reporttest.Size{Policies: 3, Scenarios: 2, Endpoints: 4, Seconds: 15, Rounds: 2})
	for _, n := range []int{1, 2} {
		for _, row := range r.Round(n).Scenarios[1].Rows {
			if len(row.Runs) != 1 || row.Runs[0].Round != n {
				t.Errorf("round %d of %s has %d runs", n, row.Subject, len(row.Runs))
			}
		}
	}
	if len(r.Scenarios[1].Rows[0].Runs) != 2 {
		t.Error("the whole has lost its runs")
	}
	if got := report.Agree(r.Round(1), r.Round(2)); got.Known != 2 || len(r.Compared(1, 2)) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestEnginesAreCountedOverAllScenarios(t *testing.T) {
	r := reporttest.Results(reporttest.Size{Policies: 4, Scenarios: 3, Endpoints: 4, Seconds: 15, Rounds: 1})
	last := r.Scenarios[2].Rows
	last[len(last)-1].Runs[0].Final = "hot-cold" // a third above the best
	text := string(html(t, r))
	if want := "adaptive ended with a right policy in 2 of 3 scenarios, and with a wrong one under scenario-3."; !strings.Contains(text, want) {
		t.Errorf("the page lacks %q", want)
	}
}
