package guard

import (
	"sync"
	"testing"
	"time"

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
			case row.ejected == 1 && (len(a) < 1 || a[0].Cause != Stall || a[0].Evidence.Stuck < 3 || a[0].Evidence.Oldest < leastPatience):
				t.Errorf("did %+v; want one ejection for a stall, with its evidence", a)
			case all && (len(a) != 4 || a[0].Gate != EveryoneAlike):
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
	if took := f.now.Sub(began); took > leastPatience+2*TickEvery {
		t.Errorf("it took %v; want about %v", took, leastPatience)
	}
}

func TestPatienceGrowsWithTheLatencyOfTheOthers(t *testing.T) {
	for _, row := range []struct {
		name           string
		p99, few, many time.Duration
	}{
		{"nothing is known", 0, time.Second, time.Second},
		{"others answer at once", time.Millisecond, 250 * time.Millisecond, 250 * time.Millisecond},
		{"others take a tenth of a second", 100 * time.Millisecond, 800 * time.Millisecond, 400 * time.Millisecond},
	} {
		if few, many := patience(row.p99); few != row.few || many != row.many {
			t.Errorf("%s: %v and %v; want %v and %v", row.name, few, many, row.few, row.many)
		}
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
	of(f.endpoints[0]).answered.Store(stamp(f.now))
	taken := map[*Ticket]bool{}
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
		if !taken[b] || !b.Taken() || b.Answered(f.now) {
			t.Error("one that waits and may be sent elsewhere was not taken back, or takes an answer all the same")
		}
	}
	for _, k := range append(kept, read...) {
		if taken[k] || k.Taken() {
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
	if n == 0 || n > budgetFloor+1 {
		t.Errorf("%d were taken back within a second; want what the floor pays, %d", n, budgetFloor)
	}
	tick(10 * time.Second)
	if n != 50 {
		t.Errorf("%d were taken back in the end; want all 50, as the budget earns", n)
	}
}

func TestLateTakeDoesNotTouchTheNextAttempt(t *testing.T) {
	f := warmFleet(2)
	a := &Ticket{}
	f.Open(a, f.endpoints[0], Entry{Now: f.now, Replayable: true})
	a.word.Store(a.word.Load() | markTaken)
	f.Close(a, End{Now: f.now, Outcome: lb.Success})
	f.Open(a, f.endpoints[1], Entry{Now: f.now, Replayable: true})
	if a.Taken() {
		t.Error("the next attempt counts as taken back")
	}
}

func TestListHoldsMoreThanOneChunk(t *testing.T) {
	f := newFleet(2, Defaults())
	e := of(f.endpoints[0])
	all := f.wait(0, 200, idempotent)
	seen := map[*Ticket]bool{}
	e.open.each(func(t *Ticket, _ uint64) { seen[t] = true })
	if len(seen) != 200 {
		t.Errorf("%d of 200 are listed", len(seen))
	}
	for _, x := range all {
		f.Close(x, End{Now: f.now, Outcome: lb.Canceled})
	}
	e.open.each(func(*Ticket, uint64) { t.Error("one is still listed") })
	if n := testing.AllocsPerRun(100, func() { f.attempt(0, lb.Canceled, 0) }); n != 0 {
		t.Errorf("%g allocations for an attempt", n)
	}
}

func TestListBeyondItsBoundStillWorks(t *testing.T) {
	f := newFleet(1, Defaults())
	all := f.wait(0, 64*mostChunks+10, idempotent)
	for _, x := range all {
		f.Close(x, End{Now: f.now, Outcome: lb.Canceled})
	}
	n := 0
	for c := &of(f.endpoints[0]).open; c != nil; c = c.next.Load() {
		n++
	}
	if n > mostChunks+1 {
		t.Errorf("%d chunks; want at most %d", n, mostChunks+1)
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
		of(e).open.each(func(*Ticket, uint64) { t.Error("an attempt is still listed") })
	}
}
