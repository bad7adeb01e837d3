package guard

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
		var w window
		var list []attempt
		now := stats.Instant(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "start"))
		for range rapid.IntRange(0, 60).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			failed := rapid.Bool().Draw(t, "failed")
			w.add(now, failed)
			list = append(list, attempt{int64(now) / int64(sliceWidth), failed})
		}
		got := w.tallies(now)
		for h := range horizons {
			var want tally
			for _, a := range list {
				age := int64(now)/int64(sliceWidth) - a.slice
				if age >= sliceCount {
					continue
				}
				weight := math.Exp(-float64(age) * sliceWidth.Seconds() / horizonTau[h].Seconds())
				want.n += weight
				if a.failed {
					want.failed += weight
				}
			}
			if !near(got[h].n, want.n, 1e-9) || !near(got[h].failed, want.failed, 1e-9) {
				t.Fatalf("horizon %v: %+v; the list says %+v", horizonTau[h], got[h], want)
			}
		}
	})
}

func TestWindowForgetsWhatIsOlderThanItself(t *testing.T) {
	var w window
	w.add(1, true)
	if got := w.tallies(stats.Instant(sliceCount) * stats.Instant(sliceWidth)); got[long].n != 0 {
		t.Errorf("after 16 s %+v are left; want nothing", got[long])
	}
	w.add(1, true)
	w.clear()
	if got := w.tallies(1); got[short].n != 0 {
		t.Errorf("after clear %+v are left; want nothing", got[short])
	}
}

func TestNoAttemptIsLostBetweenGoroutines(t *testing.T) {
	const workers, each = 8, 5000
	var w window
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range each {
				w.add(stats.Instant(time.Second), i%4 == 0)
			}
		})
	}
	all.Wait()
	if got := w.tallies(stats.Instant(time.Second)); got[long].n != workers*each || got[long].failed != workers*each/4 {
		t.Errorf("%+v; want %d attempts, a quarter of them failed", got[long], workers*each)
	}
}

func TestSpanIsTheTimeThatATallyStandsFor(t *testing.T) {
	var w window
	const rate = 1000
	now := stats.Instant(0)
	for range 20 * rate {
		now = now.Add(time.Second / rate)
		w.add(now, false)
	}
	got := w.tallies(now)
	for h := range horizons {
		if r := got[h].n / span(h, now); !near(r, rate, 0.01) {
			t.Errorf("horizon %v: %.1f attempts a second; want %d", horizonTau[h], r, rate)
		}
	}
}
