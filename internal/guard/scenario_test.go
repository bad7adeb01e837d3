package guard

import (
	"slices"
	"testing"
	"time"

	"poise/internal/guard/admit"
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/lb"
	"poise/internal/stats"
)

// The scenarios are those that the guard must hold over sockets, in simulated
// time: 8 endpoints of 8 slots, 20 ms exponential, 60 % load. Behind each
// stands a control, the same proxy with the same retries and no guard, which
// must show the failure.

var simPolicies = []string{"round-robin", "least-request", "p2c"}

// policiesOf are those that a fault is tried under. An endpoint that hangs is
// another case under each policy that avoids it.
func policiesOf(c *faultCase) []string {
	if c.cause == journal.Stall {
		return append(slices.Clone(simPolicies), "peak-ewma", "hot-cold")
	}
	return simPolicies
}

type faultCase struct {
	name   string
	fault  func(*sim)
	cause  journal.Cause
	visits int // most attempts that the first faulty endpoint gets in 30 s
}

func one(f fault) func(*sim) { return func(s *sim) { s.endpoints[3].fault = f } }

func twoFail(s *sim) { s.endpoints[3].fault, s.endpoints[6].fault = failsFast(0.2), failsFast(0.2) }

var faultCases = []faultCase{
	{"G1 one answers 503 in 1 ms for 90 %", one(failsFast(0.9)), journal.Errors, 40},
	{"G2 one refuses connections", one(refuses), journal.Errors, 40},
	{"G3 one resets", one(ends(time.Millisecond, lb.Reset)), journal.Errors, 40},
	{"G4 one cuts answers of which nothing was passed on", one(ends(20*time.Millisecond, lb.Cut)), journal.Errors, 40},
	{"G5 one hangs", one(hangs), journal.Stall, 200},
	{"G6 two of eight fail 20 %", twoFail, journal.Errors, 600},
}

const (
	mostFailed = 1e-4
	mostSlow   = 5e-4 // over a second
	mostTail   = 1.10 // p99 over calm
)

// through runs a fault and returns what clients saw before and from then on.
func through(d time.Duration, policy string, guarded bool, c *faultCase) (s *sim, calm, after outcome) {
	s = newSim(1, policy, 8, guarded, Defaults())
	s.run(6 * time.Second)
	calm = s.seen(0, s.now)
	began, took := s.now, s.endpoints[3].took
	c.fault(s)
	s.run(d + time.Second)
	s.endpoints[3].took -= took
	return s, calm, s.seen(began, s.now.Add(-time.Second))
}

func (o outcome) slowShare() float64 { return float64(o.over1s) / float64(max(o.requests, 1)) }

func TestFaultsBehindTheGuard(t *testing.T) {
	simulated(t)
	for _, c := range faultCases {
		for _, policy := range policiesOf(&c) {
			t.Run(c.name+"/"+policy, func(t *testing.T) {
				t.Parallel()
				s, calm, o := through(30*time.Second, policy, true, &c)
				t.Logf("%d requests, %.4f %% failed, %.4f %% over 1 s, p99 %v, calm %v, attempts at the faulty one %d",
					o.requests, 100*o.failedShare(), 100*o.slowShare(), o.p99, calm.p99, s.endpoints[3].took)
				if o.failedShare() > mostFailed || o.slowShare() > mostSlow {
					t.Error("too many failed or were slow")
				}
				if c.cause == journal.Errors && float64(o.p99) > mostTail*float64(calm.p99) {
					t.Errorf("p99 is %.2f of calm", float64(o.p99)/float64(calm.p99))
				}
				if s.did(journal.Eject, c.cause) == 0 || s.endpoints[3].took > c.visits {
					t.Errorf("ejected %d times for %v; %d attempts at it, want at most %d", s.did(journal.Eject, c.cause), c.cause, s.endpoints[3].took, c.visits)
				}
				if t.Failed() {
					s.dump(t)
				}
			})
		}
	}
}

// TestFaultsWithoutTheGuard is the control: under one of the policies at
// least, each fault must do ten times what is allowed.
func TestFaultsWithoutTheGuard(t *testing.T) {
	simulated(t)
	for _, c := range faultCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			worst := 0.0
			for _, policy := range simPolicies {
				s, _, o := through(8*time.Second, policy, false, &c)
				t.Logf("%s: %.3f %% failed, %.3f %% over 1 s, attempts at the faulty one %d", policy, 100*o.failedShare(), 100*o.slowShare(), s.endpoints[3].took)
				worst = max(worst, o.failedShare()/mostFailed, o.slowShare()/mostSlow, float64(s.endpoints[3].took)/float64(c.visits))
			}
			if worst < 10 {
				t.Errorf("at worst %.1f times what is allowed; the scenario shows nothing", worst)
			}
		})
	}
}

func TestEverythingDown(t *testing.T) {
	for _, policy := range append(simPolicies, "hot-cold") { // which meets the outage at one endpoint first
		t.Run("G7/"+policy, func(t *testing.T) {
			t.Parallel()
			outage := func(guarded bool) (share float64, s *sim) {
				s = newSim(2, policy, 8, guarded, Defaults())
				s.run(5 * time.Second)
				n, r := s.attempts, len(s.requests)
				for _, e := range s.endpoints {
					e.fault = refuses
				}
				s.run(10 * time.Second)
				share = float64(s.attempts-n) / float64(len(s.requests)-r)
				for _, e := range s.endpoints {
					e.fault = works
				}
				s.run(5 * time.Second)
				return share, s
			}
			share, s := outage(true)
			control, _ := outage(false)
			down := s.seen(at(5*time.Second), at(15*time.Second))
			back := s.seen(at(15*time.Second), at(16*time.Second))
			later := s.seen(at(16*time.Second), at(19*time.Second))
			t.Logf("%.4f attempts for a request, %.4f without the guard; after recovery %d of %d failed", share, control, back.failed, back.requests)
			if share > 1.05 {
				t.Errorf("%.4f attempts for a request", share)
			}
			if control < 1.15 {
				t.Errorf("without the guard only %.4f attempts for a request; the scenario shows nothing", control)
			}
			if down.over1s > 0 || down.failed != down.requests {
				t.Errorf("%+v while all is down; want every request answered at once", down)
			}
			if back.failed > 0 || later.failed > 0 {
				t.Errorf("%d failed after recovery", back.failed+later.failed)
			}
			if n := s.did(journal.Eject, 0) - s.did(journal.Release, 0); n > 0 {
				t.Errorf("%d ejections were not taken back", n)
			}
		})
	}
}

// TestAttemptsAreBoundedInAnyOutage has from one to all endpoints fail all or
// a part of what they get.
func TestAttemptsAreBoundedInAnyOutage(t *testing.T) {
	simulated(t)
	for bad := 1; bad <= 8; bad++ {
		for _, share := range []float64{0.3, 1} {
			s := newSim(uint64(bad), "round-robin", 8, true, Defaults())
			s.run(3 * time.Second)
			n, r := s.attempts, len(s.requests)
			for _, e := range s.endpoints[:bad] {
				e.fault = failsFast(share)
			}
			s.run(10 * time.Second)
			if got := float64(s.attempts-n) / float64(len(s.requests)-r); got > 1.2 {
				t.Errorf("%d of 8 fail %.0f %%: %.4f attempts for a request", bad, 100*share, got)
			}
			if s.mostEject > 4 {
				t.Errorf("%d of 8 fail %.0f %%: %d were ejected at a time", bad, 100*share, s.mostEject)
			}
		}
	}
}

func at(d time.Duration) stats.Instant { return stats.Instant(d) + 1 }

func TestOverload(t *testing.T) {
	simulated(t)
	for _, policy := range simPolicies {
		t.Run("G8/"+policy, func(t *testing.T) {
			t.Parallel()
			o := Defaults()
			o.Concurrency, o.Queue = Enforce, admit.QueueOptions{Most: 1000, Timeout: time.Second}
			calm, over, after, good := overloaded(policy, o)
			t.Logf("p99 of those admitted %v, calm %v; %.1f %% of capacity within 250 ms; then %+v", over.p99, calm.p99, 100*good, after)
			if good < 0.95 || over.p99 > 3*calm.p99 {
				t.Error("too little was served, or too late")
			}
			if after.failed+after.shed > 0 || after.p99 > 2*calm.p99 {
				t.Error("not recovered after two seconds")
			}
			_, control, _, good := overloaded(policy, Defaults())
			t.Logf("without limits: p99 %v, %.1f %% of capacity within 250 ms", control.p99, 100*good)
			if good > 0.5 {
				t.Error("without limits it is no worse; the scenario shows nothing")
			}
		})
	}
}

// overloaded offers 1.5 times the capacity for 30 s. good is what was served
// within 250 ms, as a share of the capacity.
func overloaded(policy string, o Options) (calm, over, after outcome, good float64) {
	s := newSim(4, policy, 8, true, o)
	s.queueing = o.Queue.Most > 0
	s.run(15 * time.Second)
	calm = s.seen(0, s.now)
	began := s.now
	const capacity = 8 * simSlots / 0.020
	s.rate = 1.5 * capacity
	s.run(30 * time.Second)
	ended := s.now
	s.rate = 0.6 * capacity
	s.run(6 * time.Second)
	n := 0
	for _, r := range s.requests {
		if r.at >= began && r.at < ended && r.ended != 0 && !r.failed && !r.shed && r.ended.Sub(r.at) <= 250*time.Millisecond {
			n++
		}
	}
	return calm, s.seen(began, ended), s.seen(ended.Add(2*time.Second), s.now.Add(-time.Second)), float64(n) / (30 * capacity)
}

func TestNobodyIsEjectedWhenEveryoneIsSlow(t *testing.T) {
	simulated(t)
	for _, policy := range simPolicies {
		for _, load := range []float64{1, 0.05} { // with the first one queues grow without bound
			s := newSim(5, policy, 8, true, Defaults())
			s.rate *= load
			s.run(12 * time.Second)
			for _, e := range s.endpoints {
				e.times = 10
			}
			s.run(20 * time.Second)
			if s.did(journal.Eject, 0) > 0 {
				t.Errorf("G9 %s: %d ejections", policy, s.did(journal.Eject, 0))
				s.dump(t)
			}
		}
	}
}

func TestOneThatIsTenTimesSlowerIsEjectedAndComesBack(t *testing.T) {
	simulated(t)
	for _, policy := range []string{"round-robin", "least-request", "p2c", "peak-ewma"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := newSim(6, policy, 8, true, Defaults())
			s.run(12 * time.Second)
			s.endpoints[3].times = 10
			s.run(15 * time.Second)
			if s.did(journal.Eject, journal.Latency) == 0 {
				t.Error("not ejected")
			}
			s.endpoints[3].times = 1
			s.run(70 * time.Second)
			took := s.endpoints[3].took
			s.run(10 * time.Second)
			if s.did(journal.Readmit, 0) == 0 || s.endpoints[3].took-took < 1500 {
				t.Errorf("readmitted %d times, %d attempts in ten seconds; want its share back, 2400", s.did(journal.Readmit, 0), s.endpoints[3].took-took)
			}
		})
	}
}

// TestRecoveredEndpointIsTakenInSlowly looks at the share that an endpoint
// gets after its ejection, under every policy and without the ramp.
func TestRecoveredEndpointIsTakenInSlowly(t *testing.T) {
	simulated(t)
	for _, policy := range lb.Policies {
		if policy == "bounded-hash" || policy == "ring-hash" || policy == "maglev" {
			continue // without a key they are random
		}
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			const fair = 240.0
			first, last := recovered(policy, Defaults())
			t.Logf("%.0f %% of its share in the first second, %.0f %% in the twelfth", 100*first/fair, 100*last/fair)
			least := 0.7
			if policy == "hot-cold" { // its shares of equal endpoints differ by more than that from second to second
				least = 0.2
			}
			if first > 0.25*fair || last < least*fair {
				t.Error("want at most a quarter at first, and its share in the end")
			}
			o := Defaults()
			o.SlowStart = 0
			if control, _ := recovered(policy, o); control < 0.7*fair {
				t.Errorf("without slow_start only %.0f %% in the first second; the ramp shows nothing", 100*control/fair)
			}
		})
	}
}

func recovered(policy string, o Options) (first, last float64) {
	s := newSim(7, policy, 8, true, o)
	s.run(12 * time.Second)
	s.guard.mu.Lock() // by hand, since some policies avoid a failing endpoint before the guard has to
	s.guard.follow(of(s.endpoints[3].Endpoint), outlier.Charge{Cause: journal.Errors}, s.now)
	s.guard.mu.Unlock()
	for i := 0; s.did(journal.Readmit, 0) == 0; i++ {
		if i == 1000 {
			panic("not readmitted within 50 s")
		}
		s.run(TickEvery)
	}
	n := s.endpoints[3].took
	s.run(time.Second)
	first = float64(s.endpoints[3].took - n)
	s.run(10 * time.Second)
	n = s.endpoints[3].took
	s.run(time.Second)
	return first, float64(s.endpoints[3].took - n)
}

// TestStartOfTheProcessHoldsNobodyBack: all are new, so all are equal.
func TestStartOfTheProcessHoldsNobodyBack(t *testing.T) {
	s := newSim(8, "round-robin", 8, true, Defaults())
	s.run(2 * time.Second)
	var took []int
	for _, e := range s.endpoints {
		took = append(took, e.took)
	}
	if lo, hi := slices.Min(took), slices.Max(took); hi-lo > 1 {
		t.Errorf("attempts by endpoint %v; want them even", took)
	}
	if o := s.seen(0, s.now.Add(-500*time.Millisecond)); o.failed > 0 {
		t.Errorf("%d failed", o.failed)
	}
}

// TestNewEndpointIsTakenInSlowly adds a ninth to eight that are warm.
func TestNewEndpointIsTakenInSlowly(t *testing.T) {
	s := newSim(9, "least-request", 9, true, Defaults())
	members := s.members()
	late := s.endpoints[8]
	s.endpoints = s.endpoints[:8]
	s.publish()
	s.guard.Watch(members[:8], s.now)
	s.run(12 * time.Second)
	s.endpoints = append(s.endpoints, late)
	s.publish()
	s.guard.Watch(members, s.now)
	s.run(time.Second)
	if late.took > 60 {
		t.Errorf("%d attempts in its first second; want about a tenth of 240", late.took)
	}
	s.run(10 * time.Second)
	n := late.took
	if s.run(time.Second); late.took-n < 170 {
		t.Errorf("%d attempts a second after slow_start; want about 240", late.took-n)
	}
}

// TestChanceEjectsNobody lets all endpoints fail a little, alike, for minutes.
func TestChanceEjectsNobody(t *testing.T) {
	simulated(t)
	for _, rate := range []float64{2, 40, 240} {
		for _, share := range []float64{0.002, 0.01, 0.03, 0.1} {
			s := newSim(10, "least-request", 8, true, Defaults())
			s.rate = rate * 8
			for _, e := range s.endpoints {
				e.fault = failsFast(share)
			}
			s.run(min(10*time.Minute, time.Duration(100_000/s.rate)*time.Second))
			if n := s.did(journal.Eject, 0); n > 0 {
				t.Errorf("%g a second, %g %% fail everywhere: %d ejections in %v", rate, 100*share, n, time.Duration(s.now))
				s.dump(t)
			}
		}
	}
}

// simulated marks a test of minutes of simulated time. It has no goroutine, so
// the race detector, under which it takes ten times as long, finds nothing in
// it: CI runs it without.
func simulated(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT-RUN under -short: a simulation")
	}
}
