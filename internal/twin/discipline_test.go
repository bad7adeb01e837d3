package twin_test

import (
	"testing"
	"time"

	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

// TestEndpointsThatShareAreToldTogether: hot-cold has many requests under way at
// a hot endpoint for a moment, and a queue explains most of what each endpoint
// does, of another capacity at each.
func TestEndpointsThatShareAreToldTogether(t *testing.T) {
	for _, sharing := range []bool{true, false} {
		for seed := uint64(1); seed <= 4; seed++ {
			w := twintest.New(seed, twintest.Fleet(10, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond, Steady: true, Sharing: sharing})...)
			w.Rate = 1400
			told, right := 0, 0
			for _, e := range twin.Fit(window(w, "hot-cold", 5*time.Second, 10*time.Second)).Endpoints() {
				if e.Sharing {
					told++
				}
				if e.Slots >= 3 && e.Slots <= 6 {
					right++
				}
			}
			if sharing && (told < 8 || right < 9) || !sharing && told > 0 {
				t.Errorf("seed %d: %d of 10 are taken for sharing, and %d for 3 to 6 at once; sharing is %v", seed, told, right, sharing)
			}
		}
	}
}

// TestACapacityThatTheWindowRefutesIsForgotten: one that shares its work among
// four was once taken for one that works on one at a time. What is under way
// now would take far longer.
func TestACapacityThatTheWindowRefutesIsForgotten(t *testing.T) {
	for _, shares := range []bool{true, false} {
		w := twintest.New(1, twintest.Fleet(10, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond, Sharing: true})...)
		w.Rate = 1000
		in := window(w, "p2c", 5*time.Second, 10*time.Second)
		wrong := in.Endpoints[3].Address
		in.Memory.Stations = map[string]*twin.Remembered{wrong: {Slots: 1, Shares: shares}}
		e := twin.Fit(in).Endpoints()[3]
		if e.Slots < 2 || e.Service < 0.017 {
			t.Errorf("shares %v: it is still taken for one of %d at once, which takes %.1f ms", shares, e.Slots, 1e3*e.Service)
		}
		if r := in.Memory.Stations[wrong]; r.Slots == 1 {
			t.Errorf("shares %v: that is still remembered", shares)
		}
	}
}
