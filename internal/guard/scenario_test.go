package guard

import (
	"testing"
	"time"
)

var simPolicies = []string{"round-robin", "least-request", "p2c"}

func TestFaultsBehindTheGuard(t *testing.T) {
	one := func(f fault) func(*sim) { return func(s *sim) { s.endpoints[3].fault = f } }
	for _, row := range []struct {
		name   string
		fault  func(*sim)
		failed float64 // most, of all requests from the fault on
		slow   float64 // most over a second
		cause  Cause
	}{
		{"G1 one answers 503 in 1 ms for 90 %", one(failsFast(0.9)), 1e-4, 5e-4, Errors},
		{"G2 one refuses connections", one(refuses), 1e-4, 5e-4, Errors},
		{"G3 one resets", one(ends(time.Millisecond, 4)), 1e-4, 5e-4, Errors},
		{"G4 one cuts answers before anything reached the client", one(ends(20*time.Millisecond, 7)), 1e-4, 5e-4, Errors},
		{"G5 one hangs", one(hangs), 1e-4, 5e-4, Stall},
		{"G6 two of eight fail 20 %", func(s *sim) { s.endpoints[1].fault, s.endpoints[6].fault = failsFast(0.2), failsFast(0.2) }, 1e-4, 5e-4, Errors},
	} {
		for _, policy := range simPolicies {
			t.Run(row.name+"/"+policy, func(t *testing.T) {
				for seed := range uint64(3) {
					s := newSim(seed, policy, 8, true, Defaults())
					s.run(5 * time.Second)
					calm := s.seen(0, s.now)
					began := s.now
					row.fault(s)
					s.run(30 * time.Second)
					o := s.seen(began, s.now.Add(-time.Second))
					t.Logf("seed %d: %d requests, %.4f %% failed, %.4f %% over 1 s, p99 %v (calm %v)", seed, o.requests, 100*o.failedShare(), 100*float64(o.over1s)/float64(o.requests), o.p99, calm.p99)
					if o.failedShare() > row.failed || float64(o.over1s)/float64(o.requests) > row.slow || s.did(Eject, row.cause) == 0 {
						t.Errorf("too many failed or slow, or nobody was ejected for %v", row.cause)
						s.dump(t)
					}
				}
			})
		}
	}
}
