package outlier

import (
	"math"
	"time"

	"poise/internal/stats"
)

// A quantile of a few answers of a heavy tail is far off by chance in some
// seconds, and three in a row happen. So a window that stood out also says how
// likely so many answers above the limit would be if the endpoint were like the
// others: the tail of a binomial distribution whose share is theirs. The
// windows of a run multiply, and only a run that chance does not make in a
// hundred days of all endpoints is followed.
const (
	falseAlarms = 0.01 // a day, over all endpoints
	dayWindows  = 86400
)

// above counts the answers that took longer than d. A bucket that d divides
// counts as not above it.
func above(s *stats.Snapshot, d time.Duration) (n uint64) {
	for b := range s.Buckets() {
		if b.Low >= d.Seconds() {
			n += b.Count
		}
	}
	return n + s.Over()
}

// ChanceOf is the logarithm of the chance that as many of own, or more, are
// above limit as there are, when each is with the share of the others.
func ChanceOf(own, others *stats.Snapshot, limit time.Duration) float64 {
	share := (float64(above(others, limit)) + 1) / (float64(others.Count()) + 2)
	return binomialTail(own.Count(), above(own, limit), share)
}

// binomialTail is the natural logarithm of P(X ≥ k) of X ~ Binomial(n, p).
func binomialTail(n, k uint64, p float64) float64 {
	if k == 0 || float64(k) <= float64(n)*p { // no surprise, and near enough
		return 0
	}
	first := logBinomial(n, k, p)
	sum, term := 1.0, 1.0 // over the first
	for i := k; i < n && term > 1e-12*sum; i++ {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
	}
	return min(first+math.Log(sum), 0)
}

func logBinomial(n, k uint64, p float64) float64 {
	choose := logFactorial(n) - logFactorial(k) - logFactorial(n-k)
	return choose + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p)
}

func logFactorial(n uint64) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

// NoChance reports whether a run of windows whose chances multiply to e^log is
// no accident. That the product of r chances is below x happens with
// x·Σ (-ln x)^i/i!, i < r.
func NoChance(log float64, run, endpoints int) bool {
	sum, term := 1.0, 1.0
	for i := 1; i < run; i++ {
		term *= -log / float64(i)
		sum += term
	}
	return log+math.Log(sum) <= math.Log(falseAlarms/dayWindows/float64(max(endpoints, 1)))
}
