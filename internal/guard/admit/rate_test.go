package admit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/balance"
	"poise/internal/stats"
)

// bucketOracle is a token bucket for each key, in plain arithmetic.
type bucketOracle struct {
	perSecond, burst float64
	left             map[uint64]float64
	at               map[uint64]stats.Instant
}

func (o *bucketOracle) fill(key uint64, now stats.Instant) float64 {
	left, known := o.left[key]
	if !known {
		left = o.burst
	}
	return min(o.burst, left+now.Sub(o.at[key]).Seconds()*o.perSecond)
}

// TestRateAgreesWithATokenBucket allows for the microseconds that a rate is
// rounded to: near a whole token either answer is right.
func TestRateAgreesWithATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.Int64Range(10, 1_000_000).Draw(t, "interval in µs")
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		perSecond := 1e6 / float64(interval)
		r := NewRate(perSecond, burst, 64)
		o := &bucketOracle{perSecond, float64(burst), map[uint64]float64{}, map[uint64]stats.Instant{}}
		now := stats.Instant(rapid.Int64Range(1, int64(100*24*time.Hour)).Draw(t, "start"))
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 3*interval).Draw(t, "pause µs")) * time.Microsecond)
			key := balance.Mix(uint64(rapid.IntRange(1, 4).Draw(t, "key")))
			left := o.fill(key, now)
			wait, ok := r.Take(key, now)
			if near := left > 0.999 && left < 1.001; !near && ok != (left >= 1) {
				t.Fatalf("taken %v with %.4f tokens left", ok, left)
			}
			if ok {
				left--
			} else if want := (1 - left) / perSecond * 1e6; float64(wait.Microseconds()) > want+3 || float64(wait.Microseconds()) < want-3 {
				t.Fatalf("to wait %v; the bucket says %.0f µs", wait, want)
			}
			o.left[key], o.at[key] = left, now
		}
	})
}

func TestWaitIsLongEnoughAndNotTooLong(t *testing.T) {
	r := NewRate(50, 3, 100)
	now, key := stats.Instant(time.Hour), balance.Mix(7)
	for range 3 {
		r.Take(key, now)
	}
	wait, ok := r.Take(key, now)
	if ok || wait != 20*time.Millisecond {
		t.Fatalf("the fourth at once: %v, %v; want to wait 20 ms", wait, ok)
	}
	if _, ok := r.Take(key, now.Add(wait-time.Millisecond)); ok {
		t.Error("taken before the wait was over")
	}
	if _, ok := r.Take(key, now.Add(wait)); !ok {
		t.Error("refused after the wait")
	}
}

func TestKeysDoNotShareALimit(t *testing.T) {
	r := NewRate(1, 5, 10_000)
	now := stats.Instant(time.Hour)
	refused := 0
	for i := range uint64(5000) {
		for range 5 {
			if _, ok := r.Take(balance.Mix(i+1), now); !ok {
				refused++
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d of 25000 were refused that were within their own burst", refused)
	}
}

func TestTableIsBoundedAndForgetsWhoIsLevel(t *testing.T) {
	r := NewRate(10, 10, 64)
	if len(r.places) != 64 {
		t.Fatalf("%d places; want 64", len(r.places))
	}
	now, greedy := stats.Instant(time.Hour), balance.Mix(1)
	for range 10 {
		r.Take(greedy, now)
	}
	for i := range uint64(10_000) { // each comes once and is level 100 ms later
		now = now.Add(100 * time.Microsecond)
		r.Take(balance.Mix(i+100), now)
		if i%5 == 0 {
			r.Take(greedy, now)
		}
	}
	if _, ok := r.Take(greedy, now); ok {
		if _, ok = r.Take(greedy, now); ok {
			t.Error("a key that is far ahead was forgotten before those that come once")
		}
	}
}

func TestKeyOfDaysAgoIsNotBlocked(t *testing.T) {
	r := NewRate(1, 2, 64)
	now, key := stats.Instant(time.Hour), balance.Mix(3)
	for _, later := range []time.Duration{0, time.Hour, 6 * 24 * time.Hour, 7 * 24 * time.Hour, 12 * 24 * time.Hour} {
		now = now.Add(later)
		for i := range 2 {
			if _, ok := r.Take(key, now); !ok {
				t.Errorf("after %v the %d. is refused", later, i+1)
			}
		}
		if _, ok := r.Take(key, now); ok {
			t.Errorf("after %v a third is taken", later)
		}
	}
}

func TestRateHoldsBetweenGoroutines(t *testing.T) {
	r := NewRate(1, 100, 64)
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if _, ok := r.Take(balance.Mix(9), stats.Instant(time.Hour)); ok {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d were taken; want the burst of 100", taken.Load())
	}
}
