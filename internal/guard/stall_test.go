package guard

import (
	"sync"
	"testing"
	"time"

	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/stats"
)

// wait begins attempts that get no answer.
func (f *fleet) wait(i, n int, entry Entry) []*Ticket {
	var all []*Ticket
	for range n {
		t := &Ticket{}
		entry.Now = f.now
		f.Open(t, f.endpoints[i], entry)
		all = append(all, t)
	}
	return all
}

// warmFleet has a second of answers at 10 ms behind it.
func warmFleet(n int) *fleet {
	f := newFleet(n, Defaults())
	for range 100 {
		f.now = f.now.Add(10 * time.Millisecond)
		for i := range f.endpoints {
			f.attempt(i, lb.Success, 0)
		}
		f.Tick(f.now)
	}
	f.actions()
	return f
}

var idempotent = Entry{Replayable: true}

func TestWhatIsAStall(t *testing.T) {
	for _, row := range []struct {
		name    string
		begin   func(f *fleet) []*Ticket
		during  func(f *fleet) // every tick
		ejected int
	}{
		{"three wait and the others answer", func(f *fleet) []*Ticket { return f.wait(0, 3, idempotent) }, nil, 1},
		{"two are too few", func(f *fleet) []*Ticket { return f.wait(0, 2, idempotent) }, nil, 0},
		{"three wait but it answers others", func(f *fleet) []*Ticket { return f.wait(0, 3, idempotent) }, func(f *fleet) { f.attempt(0, lb.Success, 0) }, 0},
		{"uploads that the client has not finished", func(f *fleet) []*Ticket { return f.wait(0, 20, Entry{Uploading: true}) }, nil, 0},
		{"uploads that are finished", func(f *fleet) []*Ticket {
			all := f.wait(0, 3, Entry{Uploading: true})
			for _, t := range all {
				t.Sent(f.now)
			}
			return all
		}, nil, 1},
		{"answers that are being read", func(f *fleet) []*Ticket {
			all := f.wait(0, 20, idempotent)
			for _, t := range all {
				t.Answered(f.now)
			}
			return all
		}, nil, 0},
		{"all of them wait", func(f *fleet) []*Ticket {
			return append(append(append(f.wait(0, 3, idempotent), f.wait(1, 3, idempotent)...), f.wait(2, 3, idempotent)...), f.wait(3, 3, idempotent)...)
		}, nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := warmFleet(4)
			row.begin(f)
			all := row.name == "all of them wait"
			for range 10 {
				f.pass(TickEvery)
				if !all {
					for i := 1; i < 4; i++ {
						f.attempt(i, lb.Success, 0)
					}
				}
				if row.during != nil {
					row.during(f)
				}
			}
			if f.out() != row.ejected {
				t.Errorf("%d ejected; want %d", f.out(), row.ejected)
			}
			a := f.actions()
			switch {
			case row.ejected == 1 && (len(a) < 1 || a[0].Cause != journal.Stall || a[0].Evidence.Stuck < 3 || a[0].Evidence.Oldest < flight.LeastPatience):
				t.Errorf("did %+v; want one ejection for a stall, with its evidence", a)
			case all && (len(a) != 4 || a[0].Gate != journal.EveryoneAlike):
				t.Errorf("did %+v; want a hold-back of each, since everyone is alike", a)
			}
		})
	}
}

func TestStallIsSeenBeforeAnyTimeout(t *testing.T) {
	f := warmFleet(8)
	f.wait(0, 16, idempotent)
	began := f.now
	for f.out() == 0 && f.now.Sub(began) < time.Second {
		f.pass(TickEvery)
		for i := 1; i < 8; i++ {
			f.attempt(i, lb.Success, 0)
		}
	}
	if took := f.now.Sub(began); took > flight.LeastPatience+2*TickEvery {
		t.Errorf("it took %v; want about %v", took, flight.LeastPatience)
	}
}

// TestTakesBackWhatMayBeSentElsewhere has attempts of every kind at an
// endpoint that hangs.
func TestTakesBackWhatMayBeSentElsewhere(t *testing.T) {
	f := warmFleet(4)
	back := f.wait(0, 5, idempotent)
	kept := f.wait(0, 5, Entry{})
	read := f.wait(0, 1, idempotent)
	read[0].Answered(f.now.Add(-time.Hour)) // long ago, so that it says nothing about now
	of(f.endpoints[0]).open.Heard(f.now)
	taken := map[*flight.Ticket]bool{}
	for range 8 {
		f.now = f.now.Add(TickEvery)
		for i := 1; i < 4; i++ {
			f.attempt(i, lb.Success, 0)
		}
		for _, t := range f.Tick(f.now).TakeBack {
			taken[t] = true
		}
	}
	for _, b := range back {
		if !taken[&b.Ticket] || !b.Taken() || b.Answered(f.now) {
			t.Error("one that waits and may be sent elsewhere was not taken back, or takes an answer all the same")
		}
	}
	for _, k := range append(kept, read...) {
		if taken[&k.Ticket] || k.Taken() {
			t.Error("one was taken back that may not be sent twice, or that has its answer")
		}
	}
	if !f.Close(back[0], End{Now: f.now, Outcome: lb.Timeout}) || back[0].Taken() {
		t.Error("Close must say that the attempt was taken back, once")
	}
}

func TestTakesBackNoMoreThanTheBudgetAllows(t *testing.T) {
	f := warmFleet(4)
	for f.Budget().Spend(f.now) {
	}
	f.wait(0, 50, idempotent)
	n := 0
	tick := func(d time.Duration) {
		for end := f.now.Add(d); f.now < end; {
			f.now = f.now.Add(TickEvery)
			for i := 1; i < 4; i++ {
				f.attempt(i, lb.Success, 0)
			}
			n += len(f.Tick(f.now).TakeBack)
		}
	}
	tick(time.Second)
	const floor = 10 // retries a second that a budget always pays
	if n == 0 || n > floor+1 {
		t.Errorf("%d were taken back within a second; want what the floor pays, %d", n, floor)
	}
	tick(10 * time.Second)
	if n != 50 {
		t.Errorf("%d were taken back in the end; want all 50, as the budget earns", n)
	}
}

// TestAttemptsAndTicksAtTheSameTime is for the race detector, and checks that
// nothing stays listed.
func TestAttemptsAndTicksAtTheSameTime(t *testing.T) {
	f := newFleet(3, Defaults())
	var clock sync.Mutex
	now := func() stats.Instant {
		clock.Lock()
		defer clock.Unlock()
		f.now = f.now.Add(50 * time.Microsecond)
		return f.now
	}
	var workers, ticker sync.WaitGroup
	done := make(chan struct{})
	ticker.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				for _, t := range f.Tick(now()).TakeBack {
					t.Taken()
				}
			}
		}
	})
	for w := range 4 {
		workers.Go(func() {
			var ticket Ticket
			for i := range 2000 {
				o := lb.Outcome(i * (w + 1) % int(lb.OutcomeCount))
				f.Open(&ticket, f.endpoints[i%3], Entry{Now: now(), Replayable: true, Uploading: i%2 == 0})
				ticket.Sent(now())
				ticket.Answered(now())
				f.Close(&ticket, End{Now: now(), Latency: time.Millisecond, Outcome: o})
			}
		})
	}
	workers.Wait()
	close(done)
	ticker.Wait()
	for _, e := range f.endpoints {
		of(e).open.Each(func(*flight.Ticket, flight.Word) { t.Error("an attempt is still listed") })
	}
}
