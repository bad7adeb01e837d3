package arena

import (
	"math"
	"strings"
	"testing"
	"time"

	"poise/internal/scenario"
)

func shipped(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	s, hint := scenario.Find(name)
	if s == nil {
		t.Fatalf("no scenario %s: %s", name, hint)
	}
	return s
}

func TestAWrittenScenarioIsRunAsItIs(t *testing.T) {
	s, err := From(shipped(t, "slowone"))
	if err != nil {
		t.Fatal(err)
	}
	if s.number() != 8 || s.class(7).Slots != 8 || s.class(0).Slowness != 1 || s.Work.Mean != 20*time.Millisecond {
		t.Errorf("%d endpoints, %+v, work %+v", s.number(), s.class(7), s.Work)
	}
	// run 100s warm 10s; at 15s for 25s: from 5 to 30 of 90 seconds that are measured.
	for at, want := range map[float64]float64{0.04: 1, 0.06: 10, 0.33: 10, 0.34: 1} {
		if got := s.slowness(2, at); got != want {
			t.Errorf("at %.2f endpoint 2 is %g times slower; want %g", at, got, want)
		}
	}
	const run = 63 * time.Second
	plan := s.Draw(1, run)
	work := 0.0
	for _, j := range plan {
		work += j.Work.Seconds()
	}
	if rate := float64(len(plan)) / run.Seconds(); math.Abs(rate/1600-1) > 0.02 {
		t.Errorf("%.0f requests a second; want 1600", rate)
	}
	if mean := 1000 * work / float64(len(plan)); math.Abs(mean-20) > 0.5 {
		t.Errorf("jobs of %.2f ms; want 20", mean)
	}
}

func TestEveryWrittenScenarioIsRunOrSaysWhyNot(t *testing.T) {
	runs := 0
	for _, of := range scenario.Shipped() {
		s, err := From(of)
		if err != nil {
			if !strings.Contains(err.Error(), of.Name+":") && !strings.Contains(err.Error(), of.Name+", at") {
				t.Errorf("%s: the error does not say which: %v", of.Name, err)
			}
			t.Log(err)
			continue
		}
		runs++
		last := time.Duration(0)
		for _, j := range s.Draw(1, 5*time.Second) {
			if j.At < last || j.At >= 5*time.Second || j.Work <= 0 || s.Keys > 0 && j.Key == 0 {
				t.Fatalf("%s: job %+v", s.ID, j)
			}
			last = j.At
		}
	}
	if runs < 15 {
		t.Errorf("%d of %d can be run; want most of those without processor sharing, stalls and several balancers", runs, len(scenario.Shipped()))
	}
	t.Logf("%d of %d run over sockets", runs, len(scenario.Shipped()))
}
