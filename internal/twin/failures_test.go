package twin_test

import (
	"math"
	"testing"
	"time"

	"poise/internal/twin"
)

// TestAReplayHasTheFailuresThatThereWere: where a few failures are most of the
// loss it must not be chance how many a replay has.
func TestAReplayHasTheFailuresThatThereWere(t *testing.T) {
	for seed := range uint64(12) {
		w := world("homogeneous", seed+1)
		w.Servers[3].Fails, w.Servers[4].Fails = 0.02, 0.02
		m := twin.Fit(window(w, "round-robin", time.Second, 10*time.Second))
		var want float64
		for _, e := range m.Endpoints() {
			want += e.Failing / 10
		}
		for _, policy := range []string{"round-robin", "p2c"} {
			if got := replay(t, m, policy).Failures; math.Abs(got-want) > 0.12*want {
				t.Errorf("seed %d: %.2f %% of the requests failed, and %.2f %% do in a replay of %s", seed+1, 100*want, 100*got, policy)
			}
		}
	}
}
