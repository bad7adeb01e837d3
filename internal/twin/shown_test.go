package twin_test

import (
	"math"
	"testing"
	"time"

	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

// TestACapacityMustShow: ten endpoints of four slots that take 20 ms can do
// 2,000 requests a second. At half of that nobody waits under least-request, and
// a guess from the few that meet others is no knowledge. Near the capacity and
// beyond it there is no doubt.
func TestACapacityMustShow(t *testing.T) {
	for _, test := range []struct {
		rate  float64
		shows bool
	}{{600, false}, {1000, false}, {1700, true}, {1900, true}, {2300, true}} {
		for seed := uint64(1); seed <= 3; seed++ {
			w := twintest.New(seed, twintest.Fleet(10, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond})...)
			w.Rate = test.rate
			m := twin.Fit(window(w, "least-request", 5*time.Second, 10*time.Second))
			if m.Showed() != test.shows {
				t.Errorf("%.0f/s, seed %d: the capacity shows: %v; want %v", test.rate, seed, m.Showed(), test.shows)
				continue
			}
			// What is thought to be in use is what is, or at most what is: nobody is
			// taken for smaller than he is.
			use, asked := m.LoadIn(twin.Scenario{Room: twin.Likely}), m.Rate()/2000
			if use > 1.15*asked || test.shows && math.Abs(use/asked-1) > 0.15 {
				t.Errorf("%.0f/s, seed %d: %.2f of the capacity is in use; want %.2f", test.rate, seed, use, asked)
			}
		}
	}
}
