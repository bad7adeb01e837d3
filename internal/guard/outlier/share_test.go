package outlier

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"poise/internal/guard/journal"
)

// slowWilson finds the bound by its definition: the share below what was seen
// that lies z of its own standard deviations away, by halving an interval.
func slowWilson(p, n, z float64) float64 {
	low, high := 0.0, p
	for range 200 {
		m := (low + high) / 2
		if p-m > z*math.Sqrt(m*(1-m)/n) {
			low = m
		} else {
			high = m
		}
	}
	return low
}

func TestWilsonBoundIsWhatItsDefinitionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Float64Range(1, 1e6).Draw(t, "n")
		p := rapid.Float64Range(0, 1).Draw(t, "share")
		z := rapid.Float64Range(0.5, 4).Draw(t, "z")
		got, want := wilsonLower(Tally{n, p * n}, z), slowWilson(p, n, z)
		if !near(got, want, 1e-6) {
			t.Fatalf("bound of %g of %g at z %g is %.9f; by definition %.9f", p, n, z, got, want)
		}
	})
}

func TestWilsonBoundOfNothingIsNothing(t *testing.T) {
	if b := wilsonLower(Tally{}, 2); b != 0 {
		t.Errorf("bound %g; want 0", b)
	}
}

func TestWhoIsAccused(t *testing.T) {
	same := func(n, failed float64) *Tallies {
		return &Tallies{{n, failed}, {n, failed}, {n, failed}}
	}
	for _, row := range []struct {
		name        string
		own, others *Tallies
		found       bool
		gate        journal.Gate
	}{
		{"no failure", same(1000, 0), same(7000, 0), false, 0},
		{"one failure of a thousand", same(1000, 1), same(7000, 0), false, 0},
		{"two percent are always tolerated", same(1000, 20), same(7000, 0), false, 0},
		{"a fifth fails and nobody else", same(100, 20), same(700, 0), true, 0},
		{"all fail and nobody else", same(10, 10), same(70, 0), true, 0},
		{"all fail alike", same(100, 100), same(700, 700), true, journal.EveryoneAlike},
		{"twice the share of the others", same(1000, 200), same(7000, 700), true, journal.EveryoneAlike},
		{"ten times the share of the others", same(1000, 500), same(7000, 350), true, 0},
		{"nine of nine is too little", same(9, 9), same(700, 0), true, journal.Volume},
		{"three of ten is too little for the short look only", same(10, 3), same(700, 0), true, 0},
		{"two of ten is chance", same(10, 2), same(700, 0), true, journal.Volume},
		{"the others did nothing", same(100, 100), same(9, 0), true, journal.Volume},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, found := Accuse(row.own, row.others)
			if found != row.found || c.Gate != row.gate {
				t.Errorf("accused %v, gate %v; want %v, %v", found, c.Gate, row.found, row.gate)
			}
		})
	}
}
