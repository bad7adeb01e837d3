package stats

import (
	"math"
	"slices"
)

// LeastForInterval is the fewest values that Interval needs.
const LeastForInterval = 6

// Median returns the median, NaN of nothing and where a value is none.
func Median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	switch n := len(s); {
	case n == 0 || math.IsNaN(s[0]): // NaN sorts first
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	default:
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// Interval returns an interval that holds the true median with at least 95 %,
// whatever the distribution: the narrowest pair of order statistics whose
// binomial coverage reaches it. Below LeastForInterval values there is none; it
// returns infinities then.
//
// Source: H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1.
func Interval(all []float64) (lo, hi float64) {
	n := len(all)
	if n < LeastForInterval {
		return math.Inf(-1), math.Inf(1)
	}
	s := slices.Sorted(slices.Values(all))
	if math.IsNaN(s[0]) {
		return math.NaN(), math.NaN()
	}
	// tail is P(fewer than k of n lie below the median).
	tail, term, k := 0.0, math.Pow(0.5, float64(n)), 0
	for tail+term <= 0.025 {
		tail += term
		k++
		term *= float64(n-k+1) / float64(k)
	}
	return s[k-1], s[n-k]
}
