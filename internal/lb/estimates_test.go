package lb

import (
	"math"
	"sync"
	"testing"
	"time"

	"poise/internal/stats"
)

func at(d time.Duration) stats.Instant { return stats.Instant(time.Hour + d) }

func answered(when, latency time.Duration, inflight int) Observation {
	return Observation{End: at(when), Latency: latency, Inflight: inflight, Outcome: Success}
}

func near(got, want float64) bool { return math.Abs(got-want) <= 0.01*math.Abs(want)+1e-9 }

func TestPeakFollowsAPeakAtOnceAndForgetsItSlowly(t *testing.T) {
	var e Estimates
	e.Observe(answered(0, 10*time.Millisecond, 0))
	e.Observe(answered(time.Second, 100*time.Millisecond, 0))
	if v, _ := e.Peak(at(time.Second)); !near(v, 0.1) {
		t.Errorf("after a peak: %g s; want 0.1", v)
	}
	if v, _ := e.Peak(at(11 * time.Second)); !near(v, 0.1/math.E) {
		t.Errorf("10 s later: %g s; want a factor of e less", v)
	}
	e.Observe(answered(11*time.Second, 10*time.Millisecond, 0))
	want := 0.1*math.Exp(-1) + 0.01*(1-math.Exp(-1))
	if v, _ := e.Peak(at(11 * time.Second)); !near(v, want) {
		t.Errorf("after a low latency: %g s; want %g", v, want)
	}
}

func TestFailureCountsAsOneAndHasNoLatency(t *testing.T) {
	var e Estimates
	e.Observe(Observation{End: at(0), Latency: time.Millisecond, Outcome: Status5xx})
	if _, last := e.Peak(at(0)); last != 0 {
		t.Error("a failure must not count as a latency")
	}
	if _, known := e.LatencyAt(at(0), 0); known {
		t.Error("a failure must not count as a latency at its load")
	}
	if f := e.Failing(at(0)); !near(f, failingGain) {
		t.Errorf("share of failures %g; want %g", f, failingGain)
	}
}

func TestFailuresFadeWithinSecondsOfSilence(t *testing.T) {
	var e Estimates
	for range 200 {
		e.Observe(Observation{End: at(0), Outcome: Reset})
	}
	if f := e.Failing(at(400 * time.Millisecond)); f < 0.99 {
		t.Errorf("share %g at once; want nearly 1", f)
	}
	if f := e.Failing(at(10500 * time.Millisecond)); f > 0.01 {
		t.Errorf("share %g after ten seconds; want it below 0.01, so that the endpoint is tried again", f)
	}
}

func TestClientThatLeftTeachesNothing(t *testing.T) {
	var e Estimates
	e.Observe(Observation{End: at(0), Latency: time.Minute, Outcome: Canceled})
	if _, last := e.Peak(at(0)); last != 0 {
		t.Error("something was learnt")
	}
}

func TestLatencyIsKeptByLoad(t *testing.T) {
	var e Estimates
	e.Observe(answered(0, 10*time.Millisecond, 0))
	e.Observe(answered(0, 80*time.Millisecond, 16))
	for inflight, want := range map[int]float64{0: 0.01, 1: 0.01, 17: 0.08, 500: 0.08} {
		if v, _ := e.LatencyAt(at(time.Second), inflight); !near(v, want) {
			t.Errorf("at %d in flight: %g s; want %g", inflight, v, want)
		}
	}
	if v, _ := e.LatencyAt(at(15*time.Second), 0); !near(v, 0.01/math.E) && !near(v, 0.08/math.E) {
		t.Errorf("after 15 s of silence: %g s; want it decayed for 10 s", v)
	}
}

func TestStaleLatencyIsReplacedByAFreshOne(t *testing.T) {
	var e Estimates
	e.Observe(answered(0, 200*time.Millisecond, 1))
	e.Observe(answered(time.Minute, 10*time.Millisecond, 1))
	if v, _ := e.LatencyAt(at(time.Minute), 1); !near(v, 0.01) {
		t.Errorf("%g s; want 0.01: the old one is a minute old", v)
	}
	e.Observe(answered(time.Minute+time.Second, 20*time.Millisecond, 1))
	if v, _ := e.LatencyAt(at(time.Minute+time.Second), 1); !near(v, 0.012) {
		t.Errorf("%g s; want 0.012: a fifth of the way to the new one", v)
	}
}

func TestAnswerWithinATickIsNotFree(t *testing.T) {
	var e Estimates
	e.Observe(answered(0, 0, 0))
	if v, _ := e.Peak(at(0)); v <= 0 {
		t.Errorf("peak %g s; want more than 0, or any number under way costs nothing", v)
	}
	if v, known := e.LatencyAt(at(0), 0); v <= 0 || !known {
		t.Errorf("latency %g s; want more than 0", v)
	}
}

func TestBinsGrowWithTheLoad(t *testing.T) {
	last := -1
	for inflight := range 2000 {
		b := bin(inflight)
		if b < last || b > last+1 || b >= loadBins {
			t.Fatalf("bin(%d) = %d after %d", inflight, b, last)
		}
		last = b
	}
}

func TestStampsMayWrap(t *testing.T) {
	var e Estimates
	before := stats.Instant(time.Duration(math.MaxUint32-500) * time.Millisecond)
	e.Observe(Observation{End: before, Latency: time.Second, Outcome: Success})
	if v, _ := e.Peak(before.Add(10 * time.Second)); !near(v, 1/math.E) {
		t.Errorf("across the wrap: %g; want a factor of e less", v)
	}
	if v, _ := e.Peak(before.Add(-10 * time.Second)); !near(v, 1) {
		t.Errorf("seen by a caller that is a little behind: %g; want it as it is", v)
	}
	if v, _ := e.Peak(before.Add(40 * 24 * time.Hour)); v > 1e-9 {
		t.Errorf("after 40 days: %g; want nothing left", v)
	}
}

func TestNoObservationIsLostBetweenGoroutines(t *testing.T) {
	const workers, each = 4, 5
	failure := Observation{End: at(0), Outcome: Reset}
	var alone Estimates
	for range workers * each {
		alone.Observe(failure)
	}
	for range 500 {
		var shared Estimates
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					shared.Observe(failure)
				}
			})
		}
		wg.Wait()
		if got, want := shared.Failing(at(0)), alone.Failing(at(0)); got != want {
			t.Fatalf("share of failures %g; want %g as from one goroutine", got, want)
		}
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var e Estimates
	o := answered(0, time.Millisecond, 3)
	if n := testing.AllocsPerRun(100, func() { e.Observe(o) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var e Estimates
	o := answered(0, time.Millisecond, 3)
	for b.Loop() {
		o.End += 1e5
		e.Observe(o)
	}
}

func BenchmarkLatencyAt(b *testing.B) {
	var e Estimates
	e.Observe(answered(0, time.Millisecond, 3))
	for b.Loop() {
		e.LatencyAt(at(time.Second), 4)
	}
}
