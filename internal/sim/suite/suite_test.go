package suite

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"poise/internal/scenario"
	"poise/internal/sim"
)

func plan(t *testing.T, names ...string) *Plan {
	t.Helper()
	p := &Plan{Seeds: []uint64{1, 2}, Skip: Keyless}
	for _, n := range names {
		s, hint := scenario.Find(n)
		if s == nil {
			t.Fatal(n, hint)
		}
		short := *s
		short.Run = 30 * time.Second
		p.Scenarios = append(p.Scenarios, &short)
	}
	for _, n := range []string{"round-robin", "least-request", "bounded-hash", sim.Bandit, sim.Floor} {
		p.Contenders = append(p.Contenders, sim.Contender{Name: n})
	}
	return p
}

func TestResultsDependOnThePlanAlone(t *testing.T) {
	p := plan(t, "homog", "affinity", "speed")
	a, err := p.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// three scenarios, two seeds, five contenders, less bounded-hash in two scenarios
	if want := 3*2*5 - 2*2; len(a) != want || len(b) != want {
		t.Fatalf("%d and %d results; want %d", len(a), len(b), want)
	}
	for i := range a {
		if a[i].Scenario != b[i].Scenario || a[i].Loss != b[i].Loss || a[i].Contender != b[i].Contender {
			t.Errorf("result %d: %+v and %+v", i, a[i], b[i])
		}
	}
}

func TestARunThatIsCancelledSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := plan(t, "homog").Run(ctx); err == nil {
		t.Error("no error")
	}
}

func TestTheSheetAveragesAndFindsTheBest(t *testing.T) {
	p := plan(t, "homog")
	of := func(name string, seed uint64, loss float64) sim.Result {
		return sim.Result{Scenario: "homog", Contender: sim.Contender{Name: name}, Seed: seed, Loss: loss, Mean: loss / 2}
	}
	s := New(p, []sim.Result{
		of("round-robin", 1, 0.2), of("round-robin", 2, 0.4), of("least-request", 1, 0.1), of("least-request", 2, 0.1),
		of(sim.Floor, 1, 0.01), of(sim.Floor, 2, 0.01), of(sim.Bandit, 1, 0.05), of(sim.Bandit, 2, 0.05),
	})
	if best := s.Best("homog"); best == nil || best.Contender.Name != "least-request" {
		t.Fatalf("the best is %+v; neither the floor nor a judge is a policy", best)
	}
	a := s.Against(sim.Contender{Name: "round-robin"}, p.Scenarios)
	if math.Abs(a.Geometric-3) > 1e-9 || a.Over5 != 1 || a.WorstIn != "homog" {
		t.Errorf("%+v; want 3 times the best", a)
	}
	text := s.Detail(p.Scenarios[0])
	for _, want := range []string{"* least-request ", "+200.0 %", "the best"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if m := s.Matrix(); !strings.Contains(m, "100*") || !strings.Contains(m, "mean of 1 / best") {
		t.Errorf("the matrix:\n%s", m)
	}
}
