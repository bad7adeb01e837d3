package stats

// Quantile returns the q-quantile of a sorted sample, q in [0, 1]: the value
// at place ⌊q·n⌋ counted from 0, the last one at most. It is the least value
// that more than a share q of all do not exceed, the inverse of the empirical
// distribution function that is continuous from the right. Nearest rank, which
// Snapshot.Quantile goes by (definition 1 of Hyndman and Fan, Sample Quantiles
// in Statistical Packages, 1996), is the same but for where q·n is whole: it
// takes the value before. Of nothing it is 0.
func Quantile[T ~float32 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
