package guard

import (
	"math"
	"testing"
	"time"

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
	if !noChance(-40, 3, 10) || noChance(-20, 3, 10) || noChance(-26, 3, 10_000) {
		t.Error("e^-40 in three windows is no chance, e^-20 is, and e^-26 among ten thousand endpoints")
	}
}

// TestHeavyTailsEjectNobodyInAnHour has equal endpoints whose answers are rarely
// twenty times slower than the rest, or of a Pareto tail.
func TestHeavyTailsEjectNobodyInAnHour(t *testing.T) {
	simulated(t)
	for name, draw := range map[string]func(u float64) time.Duration{
		"95 % quick, 5 % twenty times slower": func(u float64) time.Duration {
			if u < 0.05 {
				return 205 * time.Millisecond
			}
			return 10300 * time.Microsecond
		},
		"Pareto of index 1.5": func(u float64) time.Duration {
			return time.Duration(7e6 * math.Pow(1-u, -1/1.5))
		},
	} {
		for _, n := range []int{22, 35, 140} { // answers a second of each
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFleet(10, Defaults())
				f.pass(11 * time.Second)
				f.actions()
				dice := stats.NewDice(uint64(n))
				far := 0
				for range 3600 {
					for _, e := range f.endpoints {
						for range n {
							e.Stats.Latency.Observe(draw(dice.Float64()))
						}
					}
					f.second(0, make([]time.Duration, 10)...)
					for _, e := range f.endpoints {
						if of(e).latency.slow > 0 {
							far++
						}
					}
				}
				t.Logf("%d of 36000 windows stood out", far)
				if f.out() > 0 {
					t.Errorf("%d are out: %+v", f.out(), f.actions())
				}
				for _, a := range f.actions() {
					if a.Kind == Eject || a.Kind == HoldBack {
						t.Errorf("%s %s", a.Endpoint, a.Text())
						break
					}
				}
			})
		}
	}
}
