package admit

import "testing"

// settleLimit feeds a gradient with an endpoint that has slots and is offered
// more than it takes: what waits for a slot adds to the latency.
func settleLimit(g *Gradient, slots int, service float64, windows int) int {
	limit := Initial
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
func calm(g *Gradient, service float64, windows int) {
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
			var g Gradient
			calm(&g, 0.02, 50)
			if got := settleLimit(&g, row.slots, 0.02, 280); got < row.least || got > row.most {
				t.Errorf("after 28 s of overload the limit is %d; want %d to %d", got, row.least, row.most)
			}
		})
	}
}

func TestLimitStaysThroughALongOverload(t *testing.T) {
	var g Gradient
	calm(&g, 0.02, 50)
	first := settleLimit(&g, 8, 0.02, 300)
	if after := settleLimit(&g, 8, 0.02, 3000); after > 2*first {
		t.Errorf("five more minutes of overload took the limit from %d to %d", first, after)
	}
}

// TestLimitFollowsAnEndpointThatBecameSlower: two hundred slots that take twice
// as long must not be taken for a queue for ever.
func TestLimitFollowsAnEndpointThatBecameSlower(t *testing.T) {
	var g Gradient
	calm(&g, 0.02, 50)
	settleLimit(&g, 200, 0.02, 300)
	if got := settleLimit(&g, 200, 0.04, 2000); got < 180 {
		t.Errorf("three minutes after its service became twice as slow the limit is %d; want room for its 200 slots", got)
	}
}

func TestLimitThatIsNotUsedDoesNotGrow(t *testing.T) {
	var g Gradient
	calm(&g, 0.02, 1000)
	if int(g.limit) != Initial {
		t.Errorf("the limit is %g; want it where it began, %d", g.limit, Initial)
	}
}

func TestLimitShrinksWhenAttemptsAreDropped(t *testing.T) {
	var g Gradient
	calm(&g, 0.02, 20)
	for range 200 {
		g.observe(limitSample{latency: 0.02, inflight: 20, dropped: true})
	}
	if int(g.limit) != limitLeast {
		t.Errorf("the limit is %g; want the least, %d", g.limit, limitLeast)
	}
}

func TestLimitComesBackAfterTheEndpointBecameFaster(t *testing.T) {
	var g Gradient
	calm(&g, 1, 300)
	calm(&g, 0.02, 100)
	if g.long > 0.05 {
		t.Errorf("the long run is still %g s; want it near 0.02", g.long)
	}
}
