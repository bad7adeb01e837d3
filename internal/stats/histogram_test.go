package stats

import (
	"math"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// observe returns the snapshot of a histogram of ds.
func observe(ds ...time.Duration) Snapshot {
	var h Histogram
	for _, d := range ds {
		h.Observe(d)
	}
	return h.Snapshot()
}

// exactBound is the largest whole number of nanoseconds that is not above
// 2^(index/16) s, by integer arithmetic alone: the 16th root of 1e9^16 * 2^index.
func exactBound(index int) time.Duration {
	power := new(big.Int).Exp(big.NewInt(1e9), big.NewInt(perOctave), nil)
	if index >= 0 {
		power.Lsh(power, uint(index))
	} else {
		power.Rsh(power, uint(-index))
	}
	root := power
	for range 4 { // the root of the root of …: each floor keeps the floor of the whole exact
		root = new(big.Int).Sqrt(root)
	}
	return time.Duration(root.Int64())
}

func TestEveryBoundBelongsToTheBucketBelowIt(t *testing.T) {
	for index := firstNative; index <= lastNative; index++ {
		bound := exactBound(index)
		want := index - firstNative + 1
		if got := bucket(bound); got != want {
			t.Errorf("bucket(%d ns) = %d; want %d: it is the highest of index %d", bound, got, want, index)
		}
		if got := bucket(bound + 1); got != want+1 {
			t.Errorf("bucket(%d ns) = %d; want %d: it is above index %d", bound+1, got, want+1, index)
		}
	}
}

func TestOutsideTheBoundsThereIsOneBucketEach(t *testing.T) {
	s := observe(-time.Second, 0, 1, exactBound(firstNative-1), 1<<7*time.Second+1, 1<<53+1, math.MaxInt64)
	if s.Under() != 4 || s.Over() != 3 || s.Count() != 7 {
		t.Errorf("under %d, over %d of %d; want 4 and 3 of 7", s.Under(), s.Over(), s.Count())
	}
	for b := range s.Buckets() {
		t.Errorf("bucket %+v between the bounds; want none", b)
	}
}

// logUniform returns a duration between 2^from and 2^to seconds, every octave
// equally likely.
func logUniform(dice *Dice, from, to float64) time.Duration {
	return time.Duration(1e9 * math.Exp2(from+(to-from)*dice.Float64()))
}

func TestBucketHoldsWhatItsBoundsSay(t *testing.T) {
	dice := NewDice(2)
	for range 1000 {
		d := logUniform(&dice, -19.9, 6.9)
		s := observe(d)
		found := 0
		for b := range s.Buckets() {
			found++
			if v := d.Seconds(); v <= b.Low || v > b.High || b.Count != 1 {
				t.Fatalf("%v is in %+v", d, b)
			}
			if b.High != Bound(b.Index) || b.Low != Bound(b.Index-1) {
				t.Fatalf("bounds of %+v are not those of its index", b)
			}
		}
		if found != 1 {
			t.Fatalf("%v is in %d buckets", d, found)
		}
	}
}

func TestClassicBoundsArePowersOfTwoOfASecond(t *testing.T) {
	for exponent := MinExponent; exponent <= MaxExponent; exponent++ {
		if got, want := Bound(exponent*perOctave), math.Ldexp(1, exponent); got != want {
			t.Errorf("Bound(%d) = %g; want %g", exponent*perOctave, got, want)
		}
	}
	s := observe(100*time.Microsecond, time.Millisecond, 500*time.Millisecond, 500*time.Millisecond+1, time.Second, time.Minute, time.Hour)
	want := map[int]uint64{-13: 1, -10: 1, -9: 2, -2: 2, -1: 3, 0: 5, 5: 5, 6: 6, 7: 6}
	seen := 0
	for exponent, n := range s.Cumulative(-13, MaxExponent) {
		seen++
		if w, ok := want[exponent]; ok && n != w {
			t.Errorf("%d at most 2^%d s; want %d", n, exponent, w)
		}
	}
	if seen != MaxExponent+13+1 {
		t.Errorf("%d exponents; want every one", seen)
	}
}

func TestQuantileIsWithinHalfABucketOfTheExactOne(t *testing.T) {
	dice := NewDice(7)
	kinds := map[string]func() float64{ // seconds
		"exponential": func() float64 { return -0.02 * math.Log(1-dice.Float64()) },
		"log-uniform": func() float64 { return math.Exp2(-18 + 24*dice.Float64()) },
		"constant":    func() float64 { return 0.010 },
		"heavy": func() float64 {
			if dice.IntN(20) == 0 {
				return 0.205
			}
			return 0.0103
		},
	}
	for name, draw := range kinds {
		t.Run(name, func(t *testing.T) {
			var h Histogram
			all := make([]time.Duration, 20_001)
			for i := range all {
				all[i] = max(time.Duration(draw()*1e9), 2*time.Microsecond)
				h.Observe(all[i])
			}
			slices.Sort(all)
			s := h.Snapshot()
			for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.84, 0.9, 0.99, 0.999, 1} {
				exact := all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
				got := s.Quantile(q)
				if off := math.Abs(float64(got-exact)) / float64(exact); off > 0.022 {
					t.Errorf("Quantile(%g) = %v, exact %v: off by %.2f %%", q, got, exact, 100*off)
				}
			}
		})
	}
}

func TestQuantileAgreesWithHdrHistogram(t *testing.T) {
	dice := NewDice(3)
	for round := range 10 {
		oracle := hdrhistogram.New(1, int64(2*time.Minute), 4)
		var h Histogram
		for range 1 + dice.IntN(300) {
			d := logUniform(&dice, -19.9, 6.9)
			h.Observe(d)
			if err := oracle.RecordValue(int64(d)); err != nil {
				t.Fatal(err)
			}
		}
		s := h.Snapshot()
		for rank := uint64(1); rank <= s.Count(); rank++ { // whole ranks only: between them the oracle rounds
			q := float64(rank) / float64(s.Count())
			got, want := float64(s.Quantile(q)), float64(oracle.ValueAtPercentile(100*q))
			if math.Abs(got-want)/want > 0.022+0.0001 { // and what the oracle itself is off
				t.Fatalf("round %d, %d of %d: %g; the oracle says %g", round, rank, s.Count(), got, want)
			}
		}
	}
}

func TestQuantileOfNothingIsZero(t *testing.T) {
	var s Snapshot
	if s.Quantile(0.5) != 0 || s.Count() != 0 || s.Sum() != 0 {
		t.Errorf("of nothing: %v, %d, %v", s.Quantile(0.5), s.Count(), s.Sum())
	}
}

func TestAddAndSubUndoEachOther(t *testing.T) {
	var h Histogram
	h.Observe(time.Millisecond)
	h.Observe(time.Hour)
	earlier := h.Snapshot()
	h.Observe(time.Second)
	h.Observe(0)
	later := h.Snapshot()
	window := later.Sub(&earlier)
	if window != observe(time.Second, 0) {
		t.Errorf("window counts %d with sum %v; want the two in between", window.Count(), window.Sum())
	}
	window.Add(&earlier)
	if window != later {
		t.Error("what was taken away and added again is not what it was")
	}
}

func TestNoObservationIsLostBetweenGoroutines(t *testing.T) {
	const workers, each = 8, 5000
	var h Histogram
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range each {
				h.Observe(time.Duration(w+1) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	s := h.Snapshot()
	if want := each * workers * (workers + 1) / 2 * time.Millisecond; s.Count() != workers*each || s.Sum() != want {
		t.Errorf("%d observations with sum %v; want %d and %v", s.Count(), s.Sum(), workers*each, want)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Millisecond) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	d := time.Microsecond
	for b.Loop() {
		h.Observe(d)
		if d += d / 7; d > time.Minute {
			d = time.Microsecond
		}
	}
}

func BenchmarkObserveSame(b *testing.B) {
	var h Histogram
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h.Observe(10 * time.Millisecond)
		}
	})
}

func BenchmarkQuantile(b *testing.B) {
	s := observe(time.Microsecond, time.Millisecond, time.Minute)
	for b.Loop() {
		s.Quantile(0.99)
	}
}
