package outlier

import (
	"math"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/stats"
)

func near(got, want, off float64) bool { return math.Abs(got-want) <= off*math.Max(1, math.Abs(want)) }

// TestWindowCountsWhatAListOfAttemptsWould compares the ring of packed words
// with a list of all attempts.
func TestWindowCountsWhatAListOfAttemptsWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type attempt struct {
			slice  int64
			failed bool
		}
		var w Window
		var list []attempt
		now := stats.Instant(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "start"))
		for range rapid.IntRange(0, 60).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			failed := rapid.Bool().Draw(t, "failed")
			w.Add(now, failed)
			list = append(list, attempt{int64(now) / int64(sliceWidth), failed})
		}
		got := w.Tallies(now)
		for h := range Horizons {
			var want Tally
			for _, a := range list {
				age := int64(now)/int64(sliceWidth) - a.slice
				if age >= sliceCount {
					continue
				}
				weight := math.Exp(-float64(age) * sliceWidth.Seconds() / horizonTau[h].Seconds())
				want.N += weight
				if a.failed {
					want.Failed += weight
				}
			}
			if !near(got[h].N, want.N, 1e-9) || !near(got[h].Failed, want.Failed, 1e-9) {
				t.Fatalf("horizon %v: %+v; the list says %+v", horizonTau[h], got[h], want)
			}
		}
	})
}

func TestWindowForgetsWhatIsOlderThanItself(t *testing.T) {
	var w Window
	w.Add(1, true)
	if got := w.Tallies(stats.Instant(sliceCount) * stats.Instant(sliceWidth)); got[Long].N != 0 {
		t.Errorf("after 16 s %+v are left; want nothing", got[Long])
	}
	w.Add(1, true)
	w.Clear()
	if got := w.Tallies(1); got[Short].N != 0 {
		t.Errorf("after clear %+v are left; want nothing", got[Short])
	}
}

func TestNoAttemptIsLostBetweenGoroutines(t *testing.T) {
	const workers, each = 8, 5000
	var w Window
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range each {
				w.Add(stats.Instant(time.Second), i%4 == 0)
			}
		})
	}
	all.Wait()
	if got := w.Tallies(stats.Instant(time.Second)); got[Long].N != workers*each || got[Long].Failed != workers*each/4 {
		t.Errorf("%+v; want %d attempts, a quarter of them failed", got[Long], workers*each)
	}
}

func TestSpanIsTheTimeThatATallyStandsFor(t *testing.T) {
	var w Window
	const rate = 1000
	now := stats.Instant(0)
	for range 20 * rate {
		now = now.Add(time.Second / rate)
		w.Add(now, false)
	}
	got := w.Tallies(now)
	for h := range Horizons {
		if r := got[h].N / Span(h, now); !near(r, rate, 0.01) {
			t.Errorf("horizon %v: %.1f attempts a second; want %d", horizonTau[h], r, rate)
		}
	}
}
