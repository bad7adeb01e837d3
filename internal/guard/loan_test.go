package guard

import (
	"strings"
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/room"
	"poise/internal/lb"
	"poise/internal/stats"
)

// simCapacity is what one endpoint of the simulation can do, in requests a
// second.
const simCapacity = simSlots / 0.020

// givesUp serves as usual, and gives an attempt up that waited for d.
func givesUp(d time.Duration) fault {
	return func(s *sim, e *simEndpoint, a *try) {
		s.after(d, func() { s.finish(a, 0, lb.Timeout) })
		works(s, e, a)
	}
}

// loadedSim has ten equal endpoints at a part of what they can do, whose
// requests wait two seconds at most.
func loadedSim(seed uint64, policy string, guarded bool, load float64) *sim {
	s := newSim(seed, policy, 10, guarded, Defaults())
	s.rate = load * simCapacity * 10
	for _, e := range s.endpoints {
		e.fault = givesUp(2 * time.Second)
	}
	return s
}

// meanFrom is the mean time of the requests since an instant, one that failed
// counting two seconds.
func (s *sim) meanFrom(from stats.Instant) time.Duration {
	sum, n := time.Duration(0), 0
	for _, r := range s.requests {
		switch {
		case r.at < from || r.ended == 0:
			continue
		case r.failed:
			sum += 2 * time.Second
		default:
			sum += r.ended.Sub(r.at)
		}
		n++
	}
	return sum / time.Duration(max(n, 1))
}

// TestEqualEndpointsStayAtHighLoad: at 95 % some have a queue that others do
// not have, by chance, and answer as much as they do.
func TestEqualEndpointsStayAtHighLoad(t *testing.T) {
	simulated(t)
	for _, policy := range []string{"round-robin", "least-request", "p2c", "peak-ewma"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s, bare := loadedSim(1, policy, true, 0.95), loadedSim(1, policy, false, 0.95)
			s.run(60 * time.Second)
			bare.run(60 * time.Second)
			o, mean, without := s.seen(0, s.now), s.meanFrom(0), bare.meanFrom(0)
			t.Logf("mean %v, %v without the guard; %d ejections, %d held back", mean, without, s.did(journal.Eject, 0), s.did(journal.HoldBack, 0))
			if o.failed > 0 || s.did(journal.Eject, 0) > 0 || float64(mean) > 1.1*float64(without) {
				t.Errorf("%d failed, %d ejections, mean %v, %v without the guard", o.failed, s.did(journal.Eject, 0), mean, without)
				s.dump(t)
			}
		})
	}
}

// TestBurstLeavesNoCollapse offers 1.6 times what all can do for three
// seconds. Queues are long and requests give up; then 80 % comes, which all can
// do and half of them cannot.
func TestBurstLeavesNoCollapse(t *testing.T) {
	simulated(t)
	for _, policy := range []string{"round-robin", "least-request", "p2c", "hot-cold"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			burst := func(guarded bool) *sim {
				s := loadedSim(2, policy, guarded, 0.8)
				s.run(15 * time.Second)
				for range 3 {
					s.rate *= 2
					s.run(3 * time.Second)
					s.rate /= 2
					s.run(12 * time.Second)
				}
				return s
			}
			s, bare := burst(true), burst(false)
			last := s.seen(s.now.Add(-5*time.Second), s.now.Add(-2*time.Second))
			mean, without := s.meanFrom(0), bare.meanFrom(0)
			t.Logf("mean %v, %v without the guard; %d ejections, at most %d at a time; in the end %+v", mean, without, s.did(journal.Eject, 0), s.mostEject, last)
			if last.failed > 0 || float64(mean) > 1.1*float64(without) {
				t.Errorf("at the end %d failed; mean %v, %v without the guard", last.failed, mean, without)
				s.dump(t)
			}
		})
	}
}

// TestSickEndpointIsOutAtAnyLoad: what protects the loaded must not protect the
// sick.
func TestSickEndpointIsOutAtAnyLoad(t *testing.T) {
	simulated(t)
	for _, row := range []struct {
		name   string
		load   float64
		sick   func(*simEndpoint)
		cause  journal.Cause
		within time.Duration
	}{
		{"ten times slower at 60 %", 0.6, func(e *simEndpoint) { e.times = 10 }, journal.Latency, 6 * time.Second},
		{"ten times slower at 5 %", 0.05, func(e *simEndpoint) { e.times = 10 }, journal.Latency, 12 * time.Second},
		{"hangs at 90 %", 0.9, func(e *simEndpoint) { e.fault = hangs }, journal.Stall, 2 * time.Second},
		{"fails fast at 90 %", 0.9, func(e *simEndpoint) { e.fault = failsFast(0.9) }, journal.Errors, 2 * time.Second},
		{"refuses at 95 %", 0.95, func(e *simEndpoint) { e.fault = refuses }, journal.Errors, 2 * time.Second},
	} {
		for _, policy := range []string{"round-robin", "p2c"} {
			t.Run(row.name+"/"+policy, func(t *testing.T) {
				t.Parallel()
				s := loadedSim(3, policy, true, row.load)
				s.run(15 * time.Second)
				n := s.did(journal.Eject, 0)
				row.sick(s.endpoints[3])
				s.run(row.within)
				if s.did(journal.Eject, row.cause) == 0 || of(s.endpoints[3].Endpoint).phase.Load() != uint32(Ejected) {
					t.Errorf("not out for %v after %v; %d ejections, %d of them before", row.cause, row.within, s.did(journal.Eject, 0), n)
					s.dump(t)
				}
			})
		}
	}
}

// load lets every endpoint answer n times within its latency.
func (f *fleet) load(seconds, n int, latencies ...time.Duration) {
	for range seconds {
		for i, e := range f.endpoints {
			if of(e).phase.Load() != uint32(Ejected) {
				e.Stats.Outcomes[lb.Success].Add(uint64(n))
			} else {
				latencies[i] = 0
			}
		}
		for i, e := range f.endpoints {
			for range n {
				if latencies[i] > 0 {
					e.Stats.Latency.Observe(latencies[i])
				}
			}
		}
		f.second(0, latencies...)
	}
}

func equal(n int, d time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, d)
	}
	return all
}

func with(all []time.Duration, i int, d time.Duration) []time.Duration {
	all[i] = d
	return all
}

func TestWhatKeepsAnEndpointIn(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name        string
		others, own time.Duration
		works       float64 // part of what the others answer
		gate        journal.Gate
	}{
		{"slow, and the others have room", 20 * ms, 300 * ms, 1, 0},
		{"slow, does its work, and the others wait", 40 * ms, 300 * ms, 1, journal.Loaded},
		{"slow, does little, and the others wait a little", 40 * ms, 300 * ms, 0.3, 0},
		{"slow, does little, and the others are crowded", 100 * ms, 900 * ms, 0.3, journal.NoRoom},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(5, Defaults())
			f.pass(11 * time.Second)
			f.load(6, 200, equal(5, 20*ms)...)
			for range 5 {
				if f.out() > 0 {
					break
				}
				s := f.endpoints[0].Stats
				for range int(200 * row.works) {
					s.Latency.Observe(row.own)
				}
				s.Outcomes[lb.Success].Add(uint64(200 * row.works))
				for _, e := range f.endpoints[1:] {
					for range 200 {
						e.Stats.Latency.Observe(row.others)
					}
					e.Stats.Outcomes[lb.Success].Add(200)
				}
				f.second(0, equal(5, 0)...)
			}
			held := map[journal.Gate]bool{}
			for _, a := range f.actions() {
				if a.Kind == journal.HoldBack {
					held[a.Gate] = true
					if !strings.Contains(a.Text(), "when idle") {
						t.Errorf("%q does not say what it rests on", a.Text())
					}
				}
			}
			if out := f.out() == 1; out != (row.gate == 0) || row.gate != 0 && !held[row.gate] {
				t.Errorf("out %v, held back by %v; want %v", out, held, row.gate)
			}
		})
	}
}

// TestLoanIsCalledBack ejects a slow endpoint, after which the others need
// three times what they needed.
func TestLoanIsCalledBack(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name  string
		after time.Duration
		back  bool
	}{{"the others are as before", 20 * ms, false}, {"the others are much worse", 70 * ms, true}} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(5, Defaults())
			f.pass(11 * time.Second)
			f.load(6, 200, equal(5, 20*ms)...)
			f.load(3, 200, with(equal(5, 20*ms), 0, 120*ms)...)
			if f.out() != 1 {
				t.Fatalf("%d are out; want the slow one", f.out())
			}
			f.actions()
			for i := 0; i < 3 && f.out() > 0; i++ {
				f.load(1, 200, equal(5, row.after)...)
			}
			if back := f.out() == 0; back != row.back {
				t.Errorf("taken back: %v; want %v", back, row.back)
			}
			if !row.back {
				return
			}
			list := f.actions()
			if len(list) == 0 || list[0].Kind != journal.Release || list[0].Gate != journal.NoRoom || !strings.Contains(list[0].Text(), "those left need") {
				t.Errorf("%+v; want the release, and why", list)
			}
			f.load(4, 200, with(equal(5, 20*ms), 0, 120*ms)...)
			if f.out() != 0 {
				t.Error("lent again at once")
			}
		})
	}
}

// TestRampIsQuickWhileTheOthersHaveNoRoom measures ramps by the clock.
func TestRampIsQuickWhileTheOthersHaveNoRoom(t *testing.T) {
	const ms = time.Millisecond
	ramp := func(others time.Duration, loan bool) (seconds int) {
		f := newFleet(5, Defaults())
		f.pass(11 * time.Second)
		f.load(6, 200, equal(5, 20*ms)...)
		e := of(f.endpoints[0])
		f.mu.Lock()
		f.eject(e, f.now)
		e.loan.Open = loan
		e.loan.Mean = time.Hour // not to be called back
		f.readmit(e, f.now)
		f.mu.Unlock()
		for ; e.phase.Load() == uint32(Ramping); seconds++ {
			f.load(1, 200, equal(5, others)...)
		}
		return seconds
	}
	if plain, crowd, loan := ramp(20*ms, false), ramp(60*ms, false), ramp(20*ms, true); plain < 10 || crowd > 4 || loan > 3 {
		t.Errorf("%d s, %d s with crowded others, %d s of a loan; want 10, about 3 and 3", plain, crowd, loan)
	}
}

// TestThoseThatWaitNowCrowd has many wait for an answer before any is late.
func TestThoseThatWaitNowCrowd(t *testing.T) {
	for _, row := range []struct {
		name string
		at   []int // that wait, by endpoint
		want func(crowd float64) bool
	}{
		{"nobody", []int{0, 0, 0, 0, 0}, func(c float64) bool { return c == 0 }},
		{"as many as usual", []int{4, 4, 4, 4, 4}, func(c float64) bool { return c > 0.3 && c < 1.2 }},
		{"a burst at all", []int{40, 40, 40, 40, 40}, func(c float64) bool { return c > 6 && c < 12 }},
		{"a long queue at another one alone", []int{4, 400, 4, 4, 4}, func(c float64) bool { return c < room.Busy }},
		{"a long queue at the one that is judged", []int{400, 4, 4, 4, 4}, func(c float64) bool { return c < room.Busy }},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(5, Defaults())
			f.pass(11 * time.Second)
			f.load(6, 200, equal(5, 20*time.Millisecond)...)
			for i, n := range row.at {
				f.wait(i, n, idempotent)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if crowd := f.crowdingNow(of(f.endpoints[0])); !row.want(crowd) {
				t.Errorf("crowding %g", crowd)
			}
		})
	}
}
