package guard

import (
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/retry"
)

// second lets every endpoint answer n times with its latency, and ends the
// window.
func (f *fleet) second(n int, latencies ...time.Duration) {
	for i, e := range f.endpoints {
		for range n {
			e.Stats.Latency.Observe(latencies[i])
		}
	}
	for range 20 {
		f.now = f.now.Add(TickEvery)
		for _, e := range f.endpoints { // so that nobody hangs
			of(e).open.Heard(f.now)
		}
		f.Tick(f.now)
	}
}

func TestWhoIsTooSlow(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name      string
		n         int
		latencies []time.Duration
		ejected   int
	}{
		{"one of four is ten times slower", 50, []time.Duration{200 * ms, 20 * ms, 21 * ms, 19 * ms}, 1},
		{"one is three times slower, which policies balance", 50, []time.Duration{60 * ms, 20 * ms, 21 * ms, 19 * ms}, 0},
		{"everyone is slow", 50, []time.Duration{200 * ms, 210 * ms, 190 * ms, 200 * ms}, 0},
		{"half are four times slower by their make", 50, []time.Duration{80 * ms, 80 * ms, 20 * ms, 20 * ms}, 0},
		{"too few answers to say", 5, []time.Duration{200 * ms, 20 * ms, 21 * ms, 19 * ms}, 0},
		{"ten times slower than next to nothing", 50, []time.Duration{5 * ms, ms / 2, ms / 2, ms / 2}, 0},
		{"the slower of two", 50, []time.Duration{200 * ms, 20 * ms}, 1},
		{"the only one", 50, []time.Duration{200 * ms}, 0},
		{"the two slow ones of eight", 50, []time.Duration{200 * ms, 300 * ms, 20 * ms, 20 * ms, 20 * ms, 21 * ms, 19 * ms, 20 * ms}, 2},
		{"latencies all over the place", 50, []time.Duration{600 * ms, 20 * ms, 100 * ms, 5 * ms, 50 * ms, 200 * ms}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(len(row.latencies), Defaults())
			f.pass(11 * time.Second) // the ramp is over
			f.actions()
			for i := range 6 {
				if i == slowWindows && f.out() < min(row.ejected, 1) {
					t.Errorf("nobody was ejected after %d windows", i)
				}
				f.second(row.n, row.latencies...)
			}
			if f.out() != row.ejected {
				t.Errorf("%d ejected; want %d", f.out(), row.ejected)
			}
			for _, a := range f.actions() {
				if a.Kind == journal.Eject && (a.Cause != journal.Latency || a.Evidence.Latency < 5*a.Evidence.Peers) {
					t.Errorf("ejected by %+v; want the latency that it was for", a)
				}
			}
		})
	}
}

func TestOneSlowWindowIsForgiven(t *testing.T) {
	const ms = time.Millisecond
	f := newFleet(4, Defaults())
	f.pass(11 * time.Second)
	for range 5 {
		f.second(50, 200*ms, 20*ms, 20*ms, 20*ms)
		f.second(50, 200*ms, 20*ms, 20*ms, 20*ms)
		f.second(50, 20*ms, 20*ms, 20*ms, 20*ms)
	}
	if f.out() != 0 {
		t.Error("ejected although every third window was well")
	}
}

func TestHedgeDelayFollowsTheClusterOnlyWhenAsked(t *testing.T) {
	o := Defaults()
	f := newFleet(4, o)
	f.second(100, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond)
	if _, ok := f.HedgeAfter(); ok {
		t.Error("hedging is off and there is a delay")
	}
	o.Hedge = retry.Hedge{Quantile: 0.95}
	f.Configure(o)
	f.second(100, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond)
	if d, ok := f.HedgeAfter(); !ok || !near(d.Seconds(), 0.02, 0.001) {
		t.Errorf("delay %v, %v; want about 20ms", d, ok)
	}
	f.Configure(Defaults())
	if _, ok := f.HedgeAfter(); ok {
		t.Error("hedging was turned off and there is still a delay")
	}
}
