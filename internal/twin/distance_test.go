package twin_test

import (
	"testing"
	"time"

	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

// caches are nine servers whose caches matter, the last three changed.
func caches(change func(*twintest.Server)) *twintest.World {
	servers := twintest.Fleet(9, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond, Cache: 150, Hit: 0.4, Miss: 1.2})
	for _, s := range servers[6:] {
		change(s)
	}
	w := twintest.New(1, servers...)
	w.Rate, w.Keys, w.Skew = 1000, 1500, 0.9
	return w
}

// TestAFarEndpointIsNoSlowOne: misses at an endpoint that is far take as long
// as elsewhere, and the way. Taken for slow it would be overloaded by them.
func TestAFarEndpointIsNoSlowOne(t *testing.T) {
	far := func(s *twintest.Server) { s.Far = 15 * time.Millisecond }
	m := twin.Fit(window(caches(far), "round-robin", 10*time.Second, 10*time.Second))
	for policy, want := range map[string]float64{
		"round-robin":    m.Measured().Loss,
		"expected-delay": truth(caches(far), "expected-delay", 40*time.Second, 20*time.Second),
	} {
		if got := replay(t, m, policy).Loss; off(got, want) > 0.25 {
			t.Errorf("%s: predicted %.1f ms; the truth is %.1f", policy, got*1e3, want*1e3)
		}
	}
}

// TestASlowEndpointIsNoFarOne: the same for one that takes longer for hits and
// misses in proportion, and never less than a part of that.
func TestASlowEndpointIsNoFarOne(t *testing.T) {
	slow := func(s *twintest.Server) { s.Mean *= 2 }
	for _, steady := range []bool{false, true} {
		w := caches(slow)
		w.Rate = 700
		for _, s := range w.Servers {
			s.Steady = steady
		}
		m := twin.Fit(window(w, "round-robin", 10*time.Second, 10*time.Second))
		if got, want := replay(t, m, "round-robin").Loss, m.Measured().Loss; off(got, want) > 0.25 {
			t.Errorf("steady %v: computed %.1f ms; measured are %.1f", steady, got*1e3, want*1e3)
		}
	}
}

// TestAClusterWithoutEndpointsHasNoDistances although it once had caches.
func TestAClusterWithoutEndpointsHasNoDistances(t *testing.T) {
	m := twin.Fit(twin.Input{Now: twintest.Begin, Memory: &twin.Memory{Effect: true}})
	if len(m.Endpoints()) != 0 || m.Jobs() != 0 {
		t.Errorf("%d endpoints, %d jobs", len(m.Endpoints()), m.Jobs())
	}
}
