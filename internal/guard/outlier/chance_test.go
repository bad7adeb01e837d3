package outlier

import (
	"math"
	"testing"

	"poise/internal/stats"
)

func TestBinomialTailIsTheSumOfItsTerms(t *testing.T) {
	for _, row := range []struct {
		n, k uint64
		p    float64
	}{{10, 3, 0.1}, {35, 5, 0.05}, {200, 30, 0.1}, {20, 20, 0.3}, {1000, 80, 0.05}} {
		sum := 0.0
		for i := row.k; i <= row.n; i++ {
			choose := 1.0
			for j := range i {
				choose *= float64(row.n-j) / float64(i-j) * row.p
			}
			sum += choose * math.Pow(1-row.p, float64(row.n-i))
		}
		if got := math.Exp(binomialTail(row.n, row.k, row.p)); math.Abs(got/sum-1) > 1e-6 {
			t.Errorf("P(X >= %d) of %d at %g = %g; want %g", row.k, row.n, row.p, got, sum)
		}
	}
	if got := binomialTail(100, 3, 0.1); got != 0 {
		t.Errorf("less than is expected has the chance e^%g; want 1", got)
	}
}

// TestProductOfChancesIsNoChanceByItself draws runs of uniform chances: as many
// as the formula says have a product that small.
func TestProductOfChancesIsNoChanceByItself(t *testing.T) {
	dice := stats.NewDice(1)
	const runs = 200_000
	for _, length := range []int{1, 3, 6} {
		below := 0
		limit := -2.0 - 2*float64(length)
		for range runs {
			log := 0.0
			for range length {
				log += math.Log(1 - dice.Float64())
			}
			if log <= limit {
				below++
			}
		}
		sum, term := 1.0, 1.0
		for i := 1; i < length; i++ {
			term *= -limit / float64(i)
			sum += term
		}
		want := math.Exp(limit) * sum
		if got := float64(below) / runs; math.Abs(got-want) > 4*math.Sqrt(want/runs) {
			t.Errorf("of %d: %g are below e^%g; want %g", length, got, limit, want)
		}
	}
	if !NoChance(-40, 3, 10) || NoChance(-20, 3, 10) || NoChance(-26, 3, 10_000) {
		t.Error("e^-40 in three windows is no chance, e^-20 is, and e^-26 among ten thousand endpoints")
	}
}
