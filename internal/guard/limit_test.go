package guard

import (
	"testing"
	"time"

	"poise/internal/lb"
)

// settleLimit feeds a gradient with an endpoint that has slots and is offered
// more than it takes: what waits for a slot adds to the latency.
func settleLimit(g *gradient, slots int, service float64, windows int) int {
	limit := limitInitial
	if g.limit > 0 {
		limit = int(g.limit)
	}
	for range windows {
		latency := service * max(1, float64(limit)/float64(slots))
		limit = g.observe(limitSample{latency: latency, inflight: limit})
	}
	return limit
}

// calm feeds it with an endpoint that is half used.
func calm(g *gradient, service float64, windows int) {
	for range windows {
		g.observe(limitSample{latency: service, inflight: 4})
	}
}

func TestLimitFindsWhatAnEndpointTakes(t *testing.T) {
	for _, row := range []struct {
		name        string
		slots       int
		least, most int
	}{
		{"8 slots", 8, 8, 20},
		{"2 slots", 2, 2, 8},
		{"64 slots", 64, 64, 160},
		{"400 slots", 400, 400, 900},
	} {
		t.Run(row.name, func(t *testing.T) {
			var g gradient
			calm(&g, 0.02, 50)
			if got := settleLimit(&g, row.slots, 0.02, 280); got < row.least || got > row.most {
				t.Errorf("after 28 s of overload the limit is %d; want %d to %d", got, row.least, row.most)
			}
		})
	}
}

func TestLimitStaysThroughALongOverload(t *testing.T) {
	var g gradient
	calm(&g, 0.02, 50)
	first := settleLimit(&g, 8, 0.02, 300)
	if after := settleLimit(&g, 8, 0.02, 3000); after > 2*first {
		t.Errorf("five more minutes of overload took the limit from %d to %d", first, after)
	}
}

// TestLimitFollowsAnEndpointThatBecameSlower: two hundred slots that take twice
// as long must not be taken for a queue for ever.
func TestLimitFollowsAnEndpointThatBecameSlower(t *testing.T) {
	var g gradient
	calm(&g, 0.02, 50)
	settleLimit(&g, 200, 0.02, 300)
	if got := settleLimit(&g, 200, 0.04, 2000); got < 180 {
		t.Errorf("three minutes after its service became twice as slow the limit is %d; want room for its 200 slots", got)
	}
}

func TestLimitThatIsNotUsedDoesNotGrow(t *testing.T) {
	var g gradient
	calm(&g, 0.02, 1000)
	if int(g.limit) != limitInitial {
		t.Errorf("the limit is %g; want it where it began, %d", g.limit, limitInitial)
	}
}

func TestLimitShrinksWhenAttemptsAreDropped(t *testing.T) {
	var g gradient
	calm(&g, 0.02, 20)
	for range 200 {
		g.observe(limitSample{latency: 0.02, inflight: 20, dropped: true})
	}
	if int(g.limit) != limitLeast {
		t.Errorf("the limit is %g; want the least, %d", g.limit, limitLeast)
	}
}

func TestLimitComesBackAfterTheEndpointBecameFaster(t *testing.T) {
	var g gradient
	calm(&g, 1, 300)
	calm(&g, 0.02, 100)
	if g.long > 0.05 {
		t.Errorf("the long run is still %g s; want it near 0.02", g.long)
	}
}

func TestWhatTheModesOfALimitDo(t *testing.T) {
	for _, row := range []struct {
		name           string
		mode           Mode
		proposed, kept bool
	}{
		{"observe shows a limit and keeps none", Observe, true, false},
		{"enforce keeps it", Enforce, true, true},
		{"a number is kept", Fixed, true, true},
		{"off does neither", Off, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := Defaults()
			o.Concurrency, o.Limit = row.mode, 7
			f := newFleet(2, o)
			for range 5 {
				for range 50 {
					f.endpoints[0].Stats.Latency.Observe(10 * time.Millisecond)
				}
				f.pass(limitsEvery)
			}
			e := of(f.endpoints[0])
			s := f.Status(f.endpoints[0], f.now)
			if s.Limit > 0 != row.proposed || e.limit.Load() > 0 != row.kept {
				t.Errorf("shows %d, keeps %d", s.Limit, e.limit.Load())
			}
			if row.mode == Fixed && e.limit.Load() != 7 {
				t.Errorf("keeps %d; want 7", e.limit.Load())
			}
			o.Concurrency = Off
			f.Configure(o)
			if e.limit.Load() != 0 {
				t.Error("a limit is still kept after it was turned off")
			}
		})
	}
}

func TestPressureShrinksAnEnforcedLimit(t *testing.T) {
	o := Defaults()
	o.Concurrency = Enforce
	f := newFleet(2, o)
	for range 30 {
		for range 30 {
			f.endpoints[0].Stats.Latency.Observe(10 * time.Millisecond)
			f.endpoints[1].Stats.Latency.Observe(10 * time.Millisecond)
		}
		f.attempt(0, lb.Pressure, 0)
		f.pass(limitsEvery)
	}
	if a, b := of(f.endpoints[0]).limit.Load(), of(f.endpoints[1]).limit.Load(); a >= b {
		t.Errorf("the endpoint that says 429 has the limit %d, the other one %d", a, b)
	}
}
