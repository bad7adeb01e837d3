package twin_test

import (
	"slices"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

// overrun is a window of round-robin over ten servers of which one is changed
// and gets its share for so long only: then it is left out.
func overrun(seed uint64, until time.Duration, change func(*twintest.Server)) twin.Input {
	servers := twintest.Fleet(10, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond, Cache: 400, Hit: 0.2, Miss: 2})
	change(servers[3])
	w := twintest.New(seed, servers...)
	w.Rate, w.Keys, w.Skew = 800, 4000, 0.7
	in := window(w, "round-robin", 0, 10*time.Second)
	in.Records = slices.DeleteFunc(in.Records, func(r lb.Record) bool {
		return r.Endpoint == 4 && r.Sent > twintest.Begin.Add(until)
	})
	in.Pending = slices.DeleteFunc(in.Pending, func(p lb.Pending) bool { return p.Endpoint == 4 })
	return in
}

// TestAnOpenCapacityIsThatOfTheOthers: a slow one that was in its queue for all
// of the second that it had requests is as well explained by many slots.
func TestAnOpenCapacityIsThatOfTheOthers(t *testing.T) {
	var right int
	var service []float64
	for seed := range uint64(12) {
		in := overrun(seed+1, 600*time.Millisecond, func(s *twintest.Server) { s.Mean *= 6 })
		e := twin.Fit(in).Endpoints()[3]
		if e.Slots == 4 {
			right++
		}
		service = append(service, e.Service)
	}
	if right < 11 {
		t.Errorf("in %d of 12 windows the slow endpoint is taken for one of 4 slots; want nearly all", right)
	}
	if s := stats.Median(service); s < 0.12 || s > 0.30 {
		t.Errorf("a request there is believed to take %.0f ms; it takes about 200", s*1e3)
	}
}

// TestACapacityThatShowsIsItsOwn: what its attempts refute is not believed
// because the others are that way.
func TestACapacityThatShowsIsItsOwn(t *testing.T) {
	in := overrun(1, 10*time.Second, func(s *twintest.Server) { s.Slots, s.Mean = 12, 5*s.Mean })
	if e := twin.Fit(in).Endpoints()[3]; e.Slots < 8 {
		t.Errorf("an endpoint of 12 slots is taken for one of %d", e.Slots)
	}
}
