package stats

import (
	"math"
	"sync/atomic"
	"time"
)

// The buckets of a histogram: sixteen an octave, so that each is a factor of
// 2^(1/16) wide, between 2^-20 s (about 1 µs) and 2^7 s (about 2 min), and one
// for all below and one for all above. They are the buckets of a Prometheus
// native histogram of schema 4, and every sixteenth bound is a power of two.
const (
	MinExponent = -20 // 2^MinExponent seconds is the upper bound of the lowest bucket
	MaxExponent = 7   // above 2^MaxExponent seconds nothing is told apart

	perOctave   = 16
	firstNative = MinExponent*perOctave + 1 // schema-4 index of the first bucket that has two bounds
	lastNative  = MaxExponent * perOctave
	under       = 0 // what is not above 2^MinExponent
	over        = lastNative - firstNative + 2
	bucketCount = over + 1
)

// Histogram counts durations. It is atomic without a lock, never allocates,
// and its zero value works. It must not be copied.
type Histogram struct {
	sum    atomic.Uint64 // nanoseconds
	counts [bucketCount]atomic.Uint64
}

// Observe counts one duration. Negative ones count as zero.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)].Add(1)
	h.sum.Add(uint64(d))
}

// Snapshot returns a copy of the counts. An observation that is made at the
// same moment may be in the counts and not yet in the sum.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{sum: h.sum.Load()}
	for i := range h.counts {
		s.counts[i] = h.counts[i].Load()
	}
	return s
}

// bucket returns where d, which is not negative, is counted.
//
// The mantissa's five highest bits choose a slot. Slots are narrower than
// buckets, so at most one bound lies in each and one comparison with it
// decides. Below 2^53 ns (104 days) the float is exact, and so is the result.
func bucket(d time.Duration) int {
	bits := math.Float64bits(float64(d))
	s := &slots[bits>>(mantissaBits-slotBits)&(1<<slotBits-1)]
	i := int(bits>>mantissaBits)*perOctave + s.first
	if bits&mantissaMask > s.bound {
		i++
	}
	return min(max(i, under), over)
}

const (
	mantissaBits = 52
	mantissaMask = 1<<mantissaBits - 1
	exponentBias = 1023
	slotBits     = 5
)

// slot is what the top of a mantissa says about the bucket. Octaves of
// nanoseconds all look alike: 2^n s lies at the same mantissa in each of them.
type slot struct {
	first int    // bucket of the slot's lowest value, less 16 for each step of the biased exponent
	bound uint64 // mantissa of the one bound inside, above which the next bucket begins; all ones if none
}

// slots is written once, here.
var slots = makeSlots()

func makeSlots() (s [1 << slotBits]slot) {
	for i := range s {
		low := 1 + float64(i)/(1<<slotBits)
		high := low + 1.0/(1<<slotBits)
		native := nativeAbove(low)
		s[i] = slot{
			first: native - firstNative + 1 - exponentBias*perOctave,
			bound: mantissaMask,
		}
		if b := Bound(native) * float64(time.Second); b < high {
			s[i].bound = math.Float64bits(b) & mantissaMask
		}
	}
	return s
}

// nativeAbove returns the schema-4 index of the bucket that holds a number of
// nanoseconds.
func nativeAbove(ns float64) int {
	return int(math.Ceil(perOctave * math.Log2(ns/float64(time.Second))))
}

// Bound returns the upper bound, in seconds, of the bucket with a schema-4
// index. It belongs to that bucket; the lower bound, Bound(index-1), does not.
func Bound(index int) float64 {
	octave := index >> 4 // floor, also of negative numbers
	return math.Ldexp(math.Exp2(float64(index&(perOctave-1))/perOctave), octave)
}
