package stats

import (
	"iter"
	"math"
	"time"
)

// Snapshot is the state of a histogram at one moment: plain values to merge,
// subtract and read. The zero value is that of an empty histogram.
type Snapshot struct {
	sum    uint64 // nanoseconds
	counts [bucketCount]uint64
}

// Bucket is one bucket that is not empty.
type Bucket struct {
	Index     int     // in a native histogram of schema 4
	Low, High float64 // seconds; Low is outside, High inside
	Count     uint64
}

// Count returns how many durations were observed.
func (s *Snapshot) Count() uint64 {
	var n uint64
	for _, c := range s.counts {
		n += c
	}
	return n
}

// Sum returns the sum of all durations, exactly.
func (s *Snapshot) Sum() time.Duration { return time.Duration(s.sum) }

// Under returns how many durations were not above 2^MinExponent seconds. In a
// native histogram they are the zero bucket, with that threshold.
func (s *Snapshot) Under() uint64 { return s.counts[under] }

// Over returns how many durations were above 2^MaxExponent seconds. No finite
// bucket tells the truth about them; they belong to +Inf alone.
func (s *Snapshot) Over() uint64 { return s.counts[over] }

// Add merges o into s.
func (s *Snapshot) Add(o *Snapshot) {
	s.sum += o.sum
	for i := range s.counts {
		s.counts[i] += o.counts[i]
	}
}

// Sub returns what was observed since earlier, which must be an earlier
// snapshot of the same histogram.
func (s *Snapshot) Sub(earlier *Snapshot) Snapshot {
	d := Snapshot{sum: s.sum - earlier.sum}
	for i := range d.counts {
		d.counts[i] = s.counts[i] - earlier.counts[i]
	}
	return d
}

// Buckets yields the buckets that are not empty, from low to high, without
// those of Under and Over.
func (s *Snapshot) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for i := under + 1; i < over; i++ {
			if s.counts[i] == 0 {
				continue
			}
			index := i - 1 + firstNative
			b := Bucket{Index: index, Low: Bound(index - 1), High: Bound(index), Count: s.counts[i]}
			if !yield(b) {
				return
			}
		}
	}
}

// Cumulative yields, for each exponent in [from, to], how many durations were
// at most 2^exponent seconds: the counts of a classic histogram. It is exact;
// the range must lie within [MinExponent, MaxExponent].
func (s *Snapshot) Cumulative(from, to int) iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		var n uint64
		i := under
		for exponent := from; exponent <= to; exponent++ {
			for last := exponent*perOctave - firstNative + 1; i <= last; i++ {
				n += s.counts[i]
			}
			if !yield(exponent, n) {
				return
			}
		}
	}
}

// Quantile returns the q-quantile, q in [0, 1], by nearest rank: the smallest
// duration that a share q of all does not exceed. It is off by at most 2.2 %
// (half a bucket) between the outer bounds; below them it is half the lowest
// bound, above them the highest. Of nothing it is 0.
func (s *Snapshot) Quantile(q float64) time.Duration {
	n := s.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(min(max(math.Ceil(q*float64(n)*almostOne), 1), float64(n)))
	i := under
	for seen := s.counts[i]; seen < rank; seen += s.counts[i] {
		i++
	}
	return middle(i)
}

// almostOne keeps the 0.07-quantile of 100 at the 7th: 0.07*100 is a little
// above 7 in floating point.
const almostOne = 1 - 1e-14

// middle returns the duration that stands for a bucket: the one that both
// bounds are away from by the same factor.
func middle(i int) time.Duration {
	seconds := 0.0
	switch i {
	case under:
		seconds = math.Ldexp(0.5, MinExponent)
	case over:
		seconds = math.Ldexp(1, MaxExponent)
	default:
		index := i - 1 + firstNative
		seconds = math.Sqrt(Bound(index-1) * Bound(index))
	}
	return time.Duration(seconds * float64(time.Second))
}
