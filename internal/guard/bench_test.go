package guard

import (
	"sync/atomic"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/leastrequest"
	"poise/internal/guard/admit"
	"poise/internal/lb"
	"poise/internal/stats"
)

// path is all that one request does with the guard.
type path struct {
	*fleet
	picker balance.Picker
	dice   stats.Dice
	tried  [8]*lb.Endpoint
	apart  stats.Instant // time between two requests
}

// fixed picks the same endpoint always: what is measured is the guard.
type fixed struct{ e *lb.Endpoint }

func (p fixed) Pick(balance.PickInfo) (*lb.Endpoint, error) { return p.e, nil }

func newPath(endpoints int) *path {
	p := &path{fleet: newFleet(endpoints, Defaults()), dice: stats.NewDice(1), apart: 100_000}
	p.pass(11 * time.Second)
	for range 200 { // so that there is something behind it
		p.now = p.now.Add(4 * time.Millisecond)
		for i := range p.endpoints {
			p.attempt(i, lb.Success, 0)
		}
	}
	p.Tick(p.now)
	p.picker = fixed{p.endpoints[0]}
	return p
}

func (p *path) request(o lb.Outcome) {
	p.now += p.apart
	p.Request()
	info := balance.PickInfo{Now: p.now, Dice: &p.dice, Exclude: p.tried[:0]}
	e, flags, _ := p.Pick(p.picker, info, replayable)
	p.Open(&p.ticket, e, Entry{Now: p.now, Flags: flags, Replayable: true})
	p.ticket.Answered(p.now)
	p.Close(&p.ticket, End{Now: p.now, Latency: time.Millisecond, Outcome: o})
}

func TestRequestDoesNotAllocate(t *testing.T) {
	p := newPath(8)
	for _, o := range []lb.Outcome{lb.Success, lb.Status5xx, lb.Timeout, lb.Canceled} {
		if n := testing.AllocsPerRun(1000, func() { p.request(o) }); n != 0 {
			t.Errorf("%v: %g allocations", o, n)
		}
	}
	p.picker = leastrequest.New(balance.Set{Members: p.endpoints, Eligible: p.endpoints}, balance.Options{})
	if n := testing.AllocsPerRun(1000, func() { p.request(lb.Success) }); n != 0 {
		t.Errorf("with a policy: %g allocations", n)
	}
	r := admit.NewRate(1000, 10, 1000)
	if n := testing.AllocsPerRun(1000, func() { r.Take(uint64(p.now), p.now) }); n != 0 {
		t.Errorf("rate: %g allocations", n)
	}
	w := &admit.Waiter{Wake: func(admit.Verdict) {}}
	p.queue.Configure(admit.QueueOptions{Most: 10})
	if n := testing.AllocsPerRun(1000, func() { w.Since = 0; p.queue.Push(w, p.now); p.queue.Next(p.now) }); n != 0 {
		t.Errorf("queue: %g allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { p.now = p.now.Add(TickEvery); p.Tick(p.now) }); n != 0 {
		t.Errorf("tick: %g allocations", n)
	}
}

// BenchmarkRequest is admit, pick, open, answered and close, for one that goes
// well.
func BenchmarkRequest(b *testing.B) {
	p := newPath(8)
	b.ReportAllocs()
	for b.Loop() {
		p.request(lb.Success)
	}
}

// BenchmarkFailedRequest is the same while everything fails, so that each that
// may be judged is judged and held back: the most that a failure can cost.
func BenchmarkFailedRequest(b *testing.B) {
	for _, row := range []struct {
		name      string
		endpoints int
		apart     stats.Instant
	}{
		{"8 endpoints, 10,000 a second", 8, 100_000},
		{"8 endpoints, each judged", 8, 1_000_000},
		{"100 endpoints, 10,000 a second", 100, 100_000},
		{"100 endpoints, each judged", 100, 5_000_000},
	} {
		p := newPath(row.endpoints)
		for range 2000 {
			p.now = p.now.Add(time.Millisecond)
			for i := range p.endpoints {
				p.attempt(i, lb.Reset, 0)
			}
		}
		p.apart = row.apart
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.request(lb.Reset)
			}
		})
	}
}

// BenchmarkRequestEverywhere is BenchmarkRequest on all cores, at eight
// endpoints in turn.
func BenchmarkRequestEverywhere(b *testing.B) {
	p := newPath(8)
	var worker atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		own := &path{fleet: &fleet{Guard: p.Guard, now: p.now}, dice: stats.NewDice(uint64(worker.Add(1))), apart: 100_000}
		for i := 0; pb.Next(); i++ {
			own.picker = fixed{p.endpoints[i%8]}
			own.request(lb.Success)
		}
	})
}

func BenchmarkPick(b *testing.B) {
	p := newPath(8)
	info := balance.PickInfo{Now: p.now, Dice: &p.dice, Exclude: p.tried[:0]}
	for b.Loop() {
		_, _, _ = p.Pick(p.picker, info, replayable)
	}
}

func BenchmarkRate(b *testing.B) {
	r := admit.NewRate(1000, 10, 10_000)
	now, key := stats.Instant(time.Hour), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		now, key = now+1000, key+1
		r.Take(balance.Mix(key%5000), now)
	}
}

func BenchmarkTick(b *testing.B) {
	for _, n := range []int{8, 100} {
		p := newPath(n)
		b.Run(map[int]string{8: "8 endpoints", 100: "100 endpoints"}[n], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.now = p.now.Add(TickEvery)
				p.Tick(p.now)
			}
		})
	}
}
