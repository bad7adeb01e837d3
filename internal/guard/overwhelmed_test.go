package guard

import (
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/lb"
)

// TestOneThatFallsBehindIsOutBeforeItsRequestsGiveUp has a policy that does
// not look send an endpoint twice what it can do, and its requests wait for a
// second at most.
func TestOneThatFallsBehindIsOutBeforeItsRequestsGiveUp(t *testing.T) {
	run := func(guarded bool) (s *sim, gaveUp int) {
		s = newSim(1, "round-robin", 5, guarded, Defaults())
		s.rate = 400
		s.run(12 * time.Second)
		slow := s.endpoints[2]
		slow.times = 10
		slow.fault = func(s *sim, e *simEndpoint, a *try) {
			s.after(time.Second, func() {
				if !a.over {
					gaveUp++
				}
				s.finish(a, 0, lb.Timeout)
			})
			works(s, e, a)
		}
		s.run(3 * time.Second)
		return s, gaveUp
	}
	if s, gaveUp := run(true); gaveUp > 0 || s.did(journal.Eject, journal.Latency) == 0 {
		t.Errorf("%d gave up, ejected %d times for its latency; want none and one", gaveUp, s.did(journal.Eject, journal.Latency))
		s.dump(t)
	}
	if _, gaveUp := run(false); gaveUp < 20 {
		t.Errorf("control: %d gave up without the guard; the scenario shows nothing", gaveUp)
	}
}

// TestManyThatWaitAtAQuickEndpointAreNoReason has twenty long calls at one
// endpoint, which answers everything else as quickly as the others.
func TestManyThatWaitAtAQuickEndpointAreNoReason(t *testing.T) {
	f := warmFleet(4)
	f.wait(0, 20, idempotent)
	for range 100 {
		f.now = f.now.Add(TickEvery)
		for i := range 4 {
			f.attempt(i, lb.Success, 0)
			f.endpoints[i].Stats.Latency.Observe(10 * time.Millisecond)
		}
		f.Tick(f.now)
	}
	if f.out() != 0 {
		t.Errorf("ejected: %+v", f.actions())
	}
}
