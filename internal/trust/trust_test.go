package trust_test

import (
	"testing"

	"poise/internal/stats"
	"poise/internal/trust"
)

// feed adds n forecasts of which so many of ten hold, evenly, and returns how
// many it took for trust to change; 0 if it did not.
func feed(s *trust.Score, n, often int) int {
	for i := range n {
		if s.Add(i%10 < often) {
			return i + 1
		}
	}
	return 0
}

func TestTrustIsLostAndEarned(t *testing.T) {
	s := &trust.Score{}
	if at := feed(s, 400, 9); at != 0 {
		t.Fatalf("9 of 10 hold, and trust is lost after %d", at)
	}
	if inside, n := s.Coverage(); n != trust.Kept || inside != 0.9 {
		t.Errorf("%.2f of %d held; want 0.90 of %d", inside, n, trust.Kept)
	}
	at := feed(s, 400, 3)
	if at == 0 || at > trust.Kept/2 || !s.Without {
		t.Fatalf("3 of 10 hold, and trust is lost after %d; want it lost before half of what is kept", at)
	}
	if at := feed(s, 400, 8); at != 0 {
		t.Errorf("8 of 10 hold, and trust is back after %d; want it not earned by that", at)
	}
	at = feed(s, 400, 9)
	if at == 0 || at > trust.Least || s.Without {
		t.Errorf("9 of 10 hold, and trust is back after %d; want it back within %d", at, trust.Least)
	}
	if at := feed(s, 200, 8); at != 0 {
		t.Errorf("8 of 10 hold, and trust is lost again after %d; want the forecasts from before it came back not to count", at)
	}
}

func TestAFewForecastsAreNoVerdict(t *testing.T) {
	s := &trust.Score{}
	if at := feed(s, trust.Least-1, 0); at != 0 {
		t.Errorf("trust is lost after %d forecasts", at)
	}
	if at := feed(s, 1, 0); at != 1 || !s.Without {
		t.Errorf("after %d that all missed trust is not lost", trust.Least)
	}
}

func TestAWordForgives(t *testing.T) {
	s := &trust.Score{}
	feed(s, trust.Least, 0)
	s.Forgive()
	if s.Without {
		t.Error("trust was given, and is not there")
	}
	if at := feed(s, trust.Least-1, 0); at != 0 {
		t.Errorf("trust is lost %d forecasts after it was given; want it counted anew", at)
	}
}

// TestGoodForecastsKeepTrust: nine of ten by chance is what is promised, and
// must not cost trust in a lifetime.
func TestGoodForecastsKeepTrust(t *testing.T) {
	dice := stats.NewDice(1)
	s := &trust.Score{}
	for i := range 1_000_000 { // four months
		if s.Add(dice.Float64() < 0.9) {
			t.Fatalf("trust is lost after %d forecasts", i)
		}
	}
}

// TestWhatWasSavedMayBeAnything: a score that is no score does no harm.
func TestWhatWasSavedMayBeAnything(t *testing.T) {
	s := &trust.Score{Last: "x", Since: 190}
	feed(s, 10, 9)
	if inside, n := s.Coverage(); n > 11 || inside < 0 || inside > 1 {
		t.Errorf("%.2f of %d forecasts", inside, n)
	}
	s = &trust.Score{Since: -5}
	feed(s, 100, 9)
}
