package decide

import (
	"testing"
	"time"

	"poise/internal/stats"
)

// TestAStartIsNoBurst: requests begin in the middle of the window, as regular
// as chance is not; and the same with a silence in the middle is one.
func TestAStartIsNoBurst(t *testing.T) {
	const begin = stats.Instant(1000 * time.Second)
	window := func(silent func(n int) bool) (rate, bursty float64) {
		counts := tally{Arrivals: map[int64]int{}}
		for n := range 100 {
			if !silent(n) {
				counts.Arrivals[int64(begin/tenth)+int64(n)] = 100 + 10*(n%3)
			}
		}
		return counts.flow(begin, begin.Add(10*time.Second))
	}
	if rate, bursty := window(func(n int) bool { return n < 50 }); bursty > 1 || rate < 1000 || rate > 1200 {
		t.Errorf("a start: %.0f requests a second, bursty %.1f; want 1100 and below 1", rate, bursty)
	}
	if _, bursty := window(func(n int) bool { return n >= 30 && n < 70 }); bursty < 5 {
		t.Errorf("a silence between: bursty %.1f; want at least 5", bursty)
	}
	if rate, bursty := window(func(int) bool { return true }); rate != 0 || bursty != 0 {
		t.Errorf("silence: %v requests a second, bursty %v", rate, bursty)
	}
}
