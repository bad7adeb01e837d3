package learn

import (
	"math"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// within reports whether got is want give or take a share of it.
func within(got, want time.Duration, share float64) bool {
	return math.Abs(math.Log(got.Seconds()/want.Seconds())) <= math.Log(1+share)
}

func (w *world) expect(t *testing.T, i int, service time.Duration, capacity float64) {
	t.Helper()
	l := w.learnt(i)
	if !within(l.Service, service, 0.15) || l.Capacity != capacity {
		t.Errorf("endpoint %d: %.1f ms and %g slots; it works %v on each of %g", i, l.Service.Seconds()*1e3, l.Capacity, service, capacity)
	}
}

func TestSpeedsAndCapacitiesAreFound(t *testing.T) {
	w := newWorld(6)
	all := []truth{{20 * ms, 8}, {20 * ms, 8}, {60 * ms, 8}, {60 * ms, 8}, {20 * ms, 2}, {20 * ms, 32}}
	w.live(0, 30*time.Second, 100, 40, all...)
	for i, is := range all {
		w.expect(t, i, is.service, is.capacity)
	}
}

const ms = time.Millisecond

// Pitfall 1. A good policy starves a slow endpoint, and then nothing is heard
// of it. What was known stays: forgetting would have it tried by everybody.
func TestStarvedEndpointKeepsWhatWasLearnt(t *testing.T) {
	w := newWorld(3)
	w.live(0, 20*time.Second, 100, 12, truth{20 * ms, 4}, truth{20 * ms, 4}, truth{100 * ms, 4})
	w.live(20*time.Second, 320*time.Second, 50, 12, truth{20 * ms, 4}, truth{20 * ms, 4}, truth{})
	w.expect(t, 2, 100*ms, 4)
}

// What broke: drift to the median had a slow endpoint cross the others while
// it was still slow, and a burst went there.
func TestSilenceDoesNotMakeASlowEndpointFast(t *testing.T) {
	w := newWorld(3)
	w.live(0, 10*time.Second, 100, 4, truth{20 * ms, 4}, truth{20 * ms, 4}, truth{200 * ms, 4})
	for at := 10 * time.Second; at < 70*time.Second; at += 5 * time.Second {
		w.live(at, at+5*time.Second, 100, 4, truth{20 * ms, 4}, truth{20 * ms, 4}, truth{})
		if s := w.learnt(2).Service; s < 150*ms {
			t.Fatalf("after %v of silence it counts as %v; it was 200 ms", at-10*time.Second, s)
		}
	}
}

// Pitfall 3. Latency grows with what is in flight; the same endpoint must not
// look slow for being busy.
func TestServiceIsNotConfoundedByQueueing(t *testing.T) {
	w := newWorld(2)
	w.live(0, 20*time.Second, 200, 24, truth{20 * ms, 4}, truth{20 * ms, 4}) // all see all loads
	for i := range 8000 {
		inflight := 20 // the first is always busy, the second never
		if i%2 == 1 {
			inflight = 1
		}
		at := 20*time.Second + time.Duration(i)*ms
		r := w.record(at, i%2, (&truth{20 * ms, 4}).latency(w, inflight), inflight)
		w.learner.Observe(&r)
		if i%100 == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
	a, b := w.learnt(0), w.learnt(1)
	if !within(a.Service, b.Service, 0.2) || a.Capacity != 4 || b.Capacity != 4 {
		t.Errorf("%+v and %+v; both work 20 ms on each of 4", a, b)
	}
}

// Pitfall 4, and what broke: a capacity that is fitted on latencies which a
// moving speed has absorbed grows without end. In overload only
// service/capacity shows; the capacity must stay what it was.
func TestOverloadDoesNotRatchetTheCapacity(t *testing.T) {
	w := newWorld(3)
	is := truth{20 * ms, 8}
	w.live(0, 20*time.Second, 100, 20, is, is, is)
	for at := 20 * time.Second; at < 80*time.Second; at += ms {
		for i := range 3 {
			inflight := 40 + w.dice.IntN(200)
			r := w.record(at, i, is.latency(w, inflight), inflight)
			w.learner.Observe(&r)
		}
		if at%(100*ms) == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
	for i := range 3 {
		w.expect(t, i, 20*ms, 8)
	}
}

// What broke: always above its capacity, any capacity fits, and the least one
// was taken; then the endpoint looked several times as fast when idle.
func TestMisfitUnderLoadKeepsTheClustersCapacity(t *testing.T) {
	w := newWorld(4)
	is := truth{20 * ms, 8}
	for i := range 60_000 {
		at := time.Duration(i) * ms / 2
		inflight := w.dice.IntN(24)
		if i%4 == 3 { // this one has never been seen idle
			inflight = 16 + w.dice.IntN(8)
		}
		r := w.record(at, i%4, is.latency(w, inflight), inflight)
		w.learner.Observe(&r)
		if i%200 == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
	w.expect(t, 3, 20*ms, 8)
}

// What broke: the capacity jumped and the speed was not measured anew, which
// made wrong ratios for seconds.
func TestSpeedIsRebasedWhenTheCapacityChanges(t *testing.T) {
	w := newWorld(1)
	w.live(0, 950*ms, 400, 24, truth{20 * ms, 16}) // capacity 4 is assumed until the first fit
	e := w.learner.members[0]
	before := e.speed.mean
	if e.work.capacity != firstCapacity {
		t.Fatalf("capacity %g before the first fit", capacities[e.work.capacity])
	}
	w.learner.Tick(w.start.Add(time.Second))
	if e.work.capacity == firstCapacity {
		t.Fatal("the capacity did not change, so the test shows nothing")
	}
	if got := time.Duration(e.speed.mean * float64(time.Second)); !within(got, 20*ms, 0.25) || before > 0.8*e.speed.mean {
		t.Errorf("speed %.1f ms before and %v after; want 20 ms at once", before*1e3, got)
	}
}

// What broke: two slowed endpoints were read as having fewer slots.
func TestSlowedEndpointIsNotReadAsASmallOne(t *testing.T) {
	w := newWorld(4)
	is, slow := truth{20 * ms, 6}, truth{60 * ms, 6}
	w.live(0, 20*time.Second, 200, 10, is, is, is, is)
	w.live(20*time.Second, 24*time.Second, 200, 10, slow, slow, is, is)
	w.expect(t, 0, 60*ms, 6)
	w.expect(t, 1, 60*ms, 6)
	w.live(24*time.Second, 28*time.Second, 200, 10, is, is, is, is)
	w.expect(t, 0, 20*ms, 6)
}

// Pitfall 5, and what broke: with heavy tails one of eight equal endpoints
// looked slow by chance and got nothing any more.
func TestHeavyTailsDoNotMakeEqualEndpointsUnequal(t *testing.T) {
	w := newWorld(8)
	looks, apart := 0, 0
	for i := range 400_000 {
		at := time.Duration(i) * ms / 2
		latency := 10 * ms
		if w.dice.Float64() < 0.05 {
			latency = 205 * ms
		}
		r := w.record(at, w.dice.IntN(8), latency, w.dice.IntN(8))
		w.learner.Observe(&r)
		if i%200 == 0 {
			w.learner.Tick(w.start.Add(at))
			for k := range 8 {
				looks++
				if s := w.learnt(k).Service; i > 10_000 && !within(s, w.learnt(0).Service, 0.01) {
					apart++
				}
			}
		}
	}
	if float64(apart) > 0.02*float64(looks) {
		t.Errorf("in %d of %d looks an endpoint was told apart from its equals", apart, looks)
	}
}

// Pitfall 9. The load of another balancer looks like slowness. That is what a
// request meets, so it counts; it must pass when the other one has gone.
func TestHiddenLoadLooksLikeSlownessAndPasses(t *testing.T) {
	w := newWorld(3)
	is, loaded := truth{20 * ms, 4}, truth{50 * ms, 4}
	w.live(0, 10*time.Second, 100, 3, is, is, is)
	w.live(10*time.Second, 14*time.Second, 100, 3, is, is, loaded)
	if s := w.learnt(2).Service; !within(s, 50*ms, 0.3) {
		t.Errorf("while it shares its slots it counts as %v; want 50 ms", s)
	}
	w.live(14*time.Second, 18*time.Second, 100, 3, is, is, is)
	if s := w.learnt(2).Service; !within(s, 20*ms, 0.3) {
		t.Errorf("alone again it counts as %v; want 20 ms", s)
	}
}

// Pitfall 10. An endpoint that hangs shows in nothing but the age of what it
// has not answered.
func TestUnfinishedRequestsCountWithTheirAge(t *testing.T) {
	w := newWorld(2)
	w.live(0, 10*time.Second, 100, 3, truth{20 * ms, 4}, truth{20 * ms, 4})
	waits := make([]lb.Pending, 12)
	for i := range waits {
		waits[i] = lb.Pending{Endpoint: 2, Age: time.Second}
	}
	w.learner.Waiting(waits)
	w.learner.Tick(w.start.Add(11 * time.Second))
	if s := w.learnt(1).Service; s < 60*ms {
		t.Errorf("with 12 attempts that wait for a second it counts as %v", s)
	}
	for i := range waits { // as old as an answer may well be
		waits[i].Age = 30 * ms
	}
	w.learner.Waiting(waits)
	w.learner.Tick(w.start.Add(12 * time.Second))
	if s := w.learnt(1).Service; !within(s, 20*ms, 0.2) {
		t.Errorf("with attempts that are young it counts as %v; want 20 ms", s)
	}
}

func TestCanceledAttemptsCountOnlyWhenTheyWaitedUnusuallyLong(t *testing.T) {
	for _, tt := range []struct {
		waited time.Duration
		slower bool
	}{{5 * ms, false}, {60 * ms, false}, {900 * ms, true}} {
		w := newWorld(1)
		w.live(0, 10*time.Second, 100, 3, truth{20 * ms, 4})
		before := w.learnt(0).Service
		for i := range 30 {
			r := w.record(10*time.Second+time.Duration(i)*10*ms, 0, tt.waited, 1)
			r.Outcome = lb.Canceled
			w.learner.Observe(&r)
		}
		w.learner.Tick(w.start.Add(11 * time.Second))
		after := w.learnt(0).Service
		if slower := after > before*3/2; slower != tt.slower || !tt.slower && after != before {
			t.Errorf("clients left after %v: %v became %v", tt.waited, before, after)
		}
	}
}

func TestWhatSaysNothingAboutSpeedIsLeftOut(t *testing.T) {
	for name, change := range map[string]func(*lb.Record){
		"streams":          func(r *lb.Record) { r.Flags = lb.Streaming },
		"trials":           func(r *lb.Record) { r.Flags = lb.Trial },
		"failures":         func(r *lb.Record) { r.Outcome = lb.Status5xx },
		"429":              func(r *lb.Record) { r.Outcome = lb.Pressure },
		"no latency":       func(r *lb.Record) { r.Latency = 0 },
		"nobody's":         func(r *lb.Record) { r.Endpoint = 99 },
		"streams that end": func(r *lb.Record) { r.Flags, r.Outcome = lb.Streaming, lb.Canceled },
	} {
		w := newWorld(2)
		w.live(0, 10*time.Second, 100, 3, truth{20 * ms, 4}, truth{20 * ms, 4})
		before := w.learnt(0)
		for i := range 50 {
			r := w.record(10*time.Second+time.Duration(i)*ms, 0, time.Second, 1)
			change(&r)
			w.learner.Observe(&r)
		}
		w.learner.Tick(w.start.Add(10*time.Second + 100*ms))
		if after := w.learnt(0); after.Service != before.Service || after.Capacity != before.Capacity {
			t.Errorf("%s: %+v became %+v", name, before, after)
		}
	}
}

func TestFailuresCountBeyondWhatIsUsual(t *testing.T) {
	fail := func(w *world, at time.Duration, i int, bad bool) {
		r := w.record(at, i, 20*ms, 1)
		if bad {
			r.Outcome = lb.Status5xx
		}
		w.learner.Observe(&r)
	}
	w := newWorld(4)
	for n := range 4000 { // 2 % everywhere: a usual day
		fail(w, time.Duration(n)*ms, n%4, w.dice.Float64() < 0.02)
	}
	w.learner.Tick(w.start.Add(4 * time.Second))
	for i := range 4 {
		if l := w.learnt(i); l.Failing > 0.1 || math.Abs(l.Usual-0.02) > 0.012 {
			t.Errorf("endpoint %d: failing %.3f beyond the usual %.3f; all fail 2 %%", i, l.Failing, l.Usual)
		}
	}
	for n := range 400 {
		fail(w, 4*time.Second+time.Duration(n)*ms, n%4, n%4 == 2)
	}
	w.learner.Tick(w.start.Add(4400 * ms))
	if l := w.learnt(2); l.Failing < 0.7 || l.Usual > 0.05 {
		t.Errorf("one that always fails: %.3f beyond the usual %.3f", l.Failing, l.Usual)
	}
	w.learner.Tick(w.start.Add(15 * time.Second))
	if l := w.learnt(2); l.Failing != 0 {
		t.Errorf("ten seconds later it still counts as failing: %.3f", l.Failing)
	}
}

func TestAddressThatComesBackIsKnownForFiveMinutes(t *testing.T) {
	for _, tt := range []struct {
		away  time.Duration
		known bool
	}{{time.Second, true}, {290 * time.Second, true}, {310 * time.Second, false}} {
		w := newWorld(3)
		w.live(0, 20*time.Second, 100, 12, truth{20 * ms, 4}, truth{20 * ms, 4}, truth{150 * ms, 4})
		gone := w.members[2]
		w.members = w.members[:2]
		w.learner.Members(w.members)
		w.live(20*time.Second, 20*time.Second+tt.away, 10, 12, truth{20 * ms, 4}, truth{20 * ms, 4})
		back := &lb.Endpoint{ID: 9, Address: gone.Address, Weight: 1, Live: &lb.Live{}}
		w.members = append(w.members, back)
		w.learner.Members(w.members)
		w.learner.Tick(w.start.Add(20*time.Second + tt.away + 100*ms))
		got := w.learnt(2).Service
		if known := within(got, 150*ms, 0.15); known != tt.known {
			t.Errorf("away for %v it counts as %v; it was 150 ms", tt.away, got)
		}
		if !tt.known && !within(got, 20*ms, 0.15) {
			t.Errorf("a new endpoint counts as %v; the others take 20 ms", got)
		}
	}
}

func TestNobodyIsRememberedWithoutBound(t *testing.T) {
	w := newWorld(0)
	for i := range 3 * mostGone {
		e := &lb.Endpoint{ID: uint32(i + 1), Address: "10.1." + time.Duration(i).String(), Live: &lb.Live{}}
		w.learner.Members([]*lb.Endpoint{e})
		w.learner.Tick(w.start.Add(time.Duration(i) * ms))
	}
	if n, m := len(w.learner.gone), len(w.learner.byID); n > mostGone || m > mostGone+1 {
		t.Errorf("%d gone and %d by number; want at most %d", n, m, mostGone)
	}
}

func TestNothingIsPublishedBeforeAnAnswer(t *testing.T) {
	w := newWorld(2)
	w.learner.Tick(w.start)
	if l := w.learnt(0); l != (lb.Learnt{}) {
		t.Errorf("%+v of an endpoint that never answered; want nothing", l)
	}
	var none stats.Instant
	New(Options{}).Tick(none)
}

// Neighbours that are close were merged by the variance of their group's mean,
// which is small for being made of what is close: equal endpoints with three
// or four answers each that count fell into a lower and an upper half.
func TestEqualEndpointsWithFewAnswersAreNotSplitInTwo(t *testing.T) {
	w := newWorld(20)
	is := make([]truth, 20)
	for i := range is {
		is[i] = truth{20 * ms, 2}
	}
	looks, split := 0, 0
	for at := time.Duration(0); at < 60*time.Second; at += time.Second {
		w.live(at, at+time.Second, 1.5, 2, is...)
		low, high := time.Hour, time.Duration(0)
		for i := range is {
			low, high = min(low, w.learnt(i).Service), max(high, w.learnt(i).Service)
		}
		if looks++; high > low*11/10 {
			split++
		}
	}
	if float64(split) > 0.15*float64(looks) {
		t.Errorf("in %d of %d looks endpoints that are equal were told apart", split, looks)
	}
}
