package stats

import (
	"math"
	"testing"
)

func TestQuantileIsTheLeastThatMoreThanTheShareDoNotExceed(t *testing.T) {
	for n := 1; n <= 101; n++ {
		sorted := make([]float64, n)
		for i := range sorted {
			sorted[i] = float64(i + 1)
		}
		for eighths := range 9 { // exact in floating point, and so are their products
			q := float64(eighths) / 8
			want := sorted[n-1] // nothing exceeds it, nor can more than all be below
			for _, v := range sorted {
				if v > q*float64(n) { // v of n do not exceed v
					want = v
					break
				}
			}
			if got := Quantile(sorted, q); got != want {
				t.Fatalf("the %g-quantile of 1 to %d is %g; want %g", q, n, got, want)
			}
			rank := max(math.Ceil(q*float64(n)), 1) // nearest rank
			if whole := q*float64(n) == math.Floor(q*float64(n)); whole == (rank == want) && q > 0 && q < 1 {
				t.Fatalf("the %g-quantile of 1 to %d is %g, by nearest rank %g; they differ where q·n is whole, and only there", q, n, want, rank)
			}
		}
	}
}

func TestQuantileOfNoValuesIsZero(t *testing.T) {
	if got := Quantile([]float32(nil), 0.5); got != 0 {
		t.Errorf("the median of nothing is %g", got)
	}
	if got := Quantile([]float32{0.25, 0.5}, 0.5); got != 0.5 {
		t.Errorf("the median of two is %g; want the upper one", got)
	}
}
