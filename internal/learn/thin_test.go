package learn

import (
	"math"
	"testing"
	"time"
)

// busy has one endpoint answer so often, another 50 times a second, for some
// seconds, and returns the world.
func busy(rate, seconds int, took func(i int) time.Duration) *world {
	w := newWorld(2)
	for i := range rate * seconds {
		at := time.Duration(i) * time.Second / time.Duration(rate)
		r := w.record(at, 0, took(i), 0)
		w.learner.Observe(&r)
		if i%(rate/50) == 0 {
			r := w.record(at, 1, took(i), 0)
			w.learner.Observe(&r)
		}
		if i%(rate/10) == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
	return w
}

func TestABusyEndpointIsLearntFromASample(t *testing.T) {
	n := 0
	took := func(int) time.Duration { n++; return time.Duration(5+n*7919%11) * time.Millisecond }
	w := busy(8000, 5, took)
	if every := w.learner.members[0].every; every != 20 {
		t.Errorf("one of %d is learnt from at 8000 a second; want 20, which leaves 400", every)
	}
	if every := w.learner.members[1].every; every > 1 {
		t.Errorf("one of %d is learnt from at 50 a second; want all", every)
	}
	want := (400.0 + 50) / (8000 + 50)
	if got := w.learner.Share(); math.Abs(got-want) > 0.1*want {
		t.Errorf("a share of %.4f was learnt from; want %.4f", got, want)
	}
	if got := w.members[0].Live.Served(); got != 40_000 {
		t.Errorf("%d served; want all counted", got)
	}
}

// The sample must say the same of an endpoint as all of its answers.
func TestASampleIsNotBiased(t *testing.T) {
	dice := newWorld(1).dice
	took := func(int) time.Duration {
		return time.Duration(float64(20*time.Millisecond) * -math.Log(1-dice.Float64()))
	}
	w := busy(8000, 20, took)
	for i, m := range w.learner.members {
		if got := m.speed.mean; math.Abs(got-0.020) > 0.004 {
			t.Errorf("endpoint %d: mean %.1f ms; want 20", i, got*1e3)
		}
	}
}

func TestFewAnswersAreAllLearntFrom(t *testing.T) {
	w := busy(200, 3, func(int) time.Duration { return 10 * time.Millisecond })
	if got := w.learner.Share(); got != 1 {
		t.Errorf("a share of %g was learnt from; want all", got)
	}
	if w.learner.Share() != 1 || New(Options{}).Share() != 1 {
		t.Error("a learner that has seen nothing has missed nothing")
	}
}

// A change of speed shows within as many answers as before, however many are
// left out.
func TestAChangeOfABusyEndpointIsSeenAtOnce(t *testing.T) {
	dice := newWorld(1).dice
	change := 8000 * 10
	took := func(i int) time.Duration {
		mean := 10 * time.Millisecond
		if i >= change {
			mean *= 4
		}
		return time.Duration(float64(mean) * (0.5 + dice.Float64()))
	}
	w := busy(8000, 11, took)
	if got := w.learner.members[0].speed.mean; math.Abs(got-0.040) > 0.008 {
		t.Errorf("a second after it became four times slower the mean is %.1f ms; want 40", got*1e3)
	}
}
