package decide_test

import (
	"testing"
	"time"

	"poise/internal/decide"
	"poise/internal/twin/twintest"
)

// TestFarIsToldFromSlow: under expected-delay, which sends little to either, one
// that is far is named, one that is slow is not called far, and neither is
// anybody in a cluster of equals.
func TestFarIsToldFromSlow(t *testing.T) {
	simulated(t)
	for _, test := range []struct {
		name   string
		change func(s *twintest.Server)
		far    bool
	}{
		{"far", func(s *twintest.Server) { s.Far = 30 * time.Millisecond }, true},
		{"slow", func(s *twintest.Server) { s.Mean *= 5 }, false},
		{"the same", func(*twintest.Server) {}, false},
	} {
		named := 0
		for seed := uint64(1); seed <= 5; seed++ {
			servers := twintest.Fleet(10, twintest.Server{Slots: 16, Mean: 10 * time.Millisecond})
			w := twintest.New(seed, servers...)
			w.Rate = 800
			test.change(servers[7])
			l := newLoop(w, "expected-delay", decide.Options{})
			l.run(20)
			for _, e := range l.entries[:2] {
				for _, c := range e.Conditions {
					if c.Name == decide.FarEndpoint {
						named++
						t.Logf("%s, seed %d: %s", test.name, seed, c.Text)
						if c.Endpoint != "127.0.0.1:9008" {
							t.Errorf("%s is called far", c.Endpoint)
						}
					}
				}
			}
		}
		if want := map[bool]int{true: 10}[test.far]; named != want {
			t.Errorf("%s: named in %d of 10 judgements; want %d", test.name, named, want)
		}
	}
}

// TestWideEndpointsAreToldFromNarrowOnes although the wide ones never have so
// much to do that anybody waits there.
func TestWideEndpointsAreToldFromNarrowOnes(t *testing.T) {
	simulated(t)
	for seed := uint64(1); seed <= 5; seed++ {
		w := fleet(seed, 1750, func(i int, s *twintest.Server) { s.Slots = 8 - 6*(i%2) })
		l := newLoop(w, "expected-delay", decide.Options{})
		l.run(10)
		found := false
		for _, c := range l.entries[0].Conditions {
			found = found || c.Name == decide.Heterogeneous
		}
		if !found {
			t.Errorf("seed %d: eight slots and two are not told apart in the first judgement: %+v", seed, l.entries[0].Evidence.Endpoints)
		}
	}
}

// TestEqualEndpointsAreNotToldApart: the same question about a cluster in which
// nobody differs.
func TestEqualEndpointsAreNotToldApart(t *testing.T) {
	simulated(t)
	for seed := uint64(1); seed <= 5; seed++ {
		for _, rate := range []float64{400, 1000, 1700} {
			l := newLoop(fleet(seed, rate, same), "expected-delay", decide.Options{})
			l.run(40)
			for _, e := range l.entries {
				for _, c := range e.Conditions {
					if c.Name == decide.FarEndpoint || c.Name == decide.SlowEndpoint {
						t.Errorf("seed %d, %.0f requests a second: %s", seed, rate, c.Text)
					}
				}
			}
		}
	}
}
