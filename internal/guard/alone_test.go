package guard

import (
	"testing"
	"time"

	"poise/internal/guard/flight"
	"poise/internal/lb"
)

// What package flight goes by.
const (
	leastUsual = 100                    // answers below which nothing is usual
	leastAlone = 500 * time.Millisecond // that a request waits alone before it is taken back
)

// knownFleet has a second of answers behind it, of a route that usually takes
// 10 ms and of one that takes two seconds.
func knownFleet(n int) (f *fleet, quick, long *flight.Usual) {
	f = warmFleet(n)
	all := f.Usuals([]string{"quick", "long"})
	for range leastUsual {
		all[0].Observe(10 * time.Millisecond)
		all[1].Observe(2 * time.Second)
	}
	f.pass(latencyEvery)
	f.actions()
	return f, all[0], all[1]
}

// TestARequestThatIsAloneInWaiting has one or two wait at an endpoint while
// three others answer.
func TestARequestThatIsAloneInWaiting(t *testing.T) {
	for _, row := range []struct {
		name   string
		entry  func(quick, long *flight.Usual) Entry
		others bool // answer
		own    bool // the endpoint answers others
		span   time.Duration
		taken  bool
	}{
		{"is taken back", func(q, _ *flight.Usual) Entry { return Entry{Replayable: true, Usual: q} }, true, false, leastAlone + TickEvery, true},
		{"not before its time", func(q, _ *flight.Usual) Entry { return Entry{Replayable: true, Usual: q} }, true, false, leastAlone - 2*TickEvery, false},
		{"not on a route of long calls", func(_, l *flight.Usual) Entry { return Entry{Replayable: true, Usual: l} }, true, false, 5 * time.Second, false},
		{"in its time there, too", func(_, l *flight.Usual) Entry { return Entry{Replayable: true, Usual: l} }, true, false, 7 * time.Second, true},
		{"not where nothing is known of the route", func(_, _ *flight.Usual) Entry { return Entry{Replayable: true, Usual: &flight.Usual{}} }, true, false, 5 * time.Second, false},
		{"not without a route", func(_, _ *flight.Usual) Entry { return Entry{Replayable: true} }, true, false, 5 * time.Second, false},
		{"not when it cannot be sent again", func(q, _ *flight.Usual) Entry { return Entry{Usual: q} }, true, false, 5 * time.Second, false},
		{"not while its endpoint answers others", func(q, _ *flight.Usual) Entry { return Entry{Replayable: true, Usual: q} }, true, true, 5 * time.Second, false},
		{"not while nobody answers", func(q, _ *flight.Usual) Entry { return Entry{Replayable: true, Usual: q} }, false, false, 5 * time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, quick, long := knownFleet(4)
			ticket := f.wait(0, 1, row.entry(quick, long))[0]
			for began := f.now; f.now.Sub(began) < row.span; f.Tick(f.now) {
				f.now = f.now.Add(TickEvery)
				for i := 1; i < 4 && row.others; i++ {
					f.attempt(i, lb.Success, 0)
				}
				if row.own {
					f.attempt(0, lb.Success, 0)
				}
			}
			if ticket.Taken() != row.taken || f.out() != 0 {
				t.Errorf("taken back: %v, ejected: %d; want %v and nobody", ticket.Taken(), f.out(), row.taken)
			}
		})
	}
}

// TestTheThirdThatWaitedInVainIsAStall has one request at a time wait at an
// endpoint that hangs.
func TestTheThirdThatWaitedInVainIsAStall(t *testing.T) {
	for _, answers := range []bool{false, true} { // now and then
		f, quick, _ := knownFleet(4)
		taken := 0
		for range 4 {
			ticket := f.wait(0, 1, Entry{Replayable: true, Usual: quick})[0]
			for range 12 {
				f.now = f.now.Add(TickEvery)
				for i := 1; i < 4; i++ {
					f.attempt(i, lb.Success, 0)
				}
				f.Tick(f.now)
			}
			if ticket.Taken() {
				taken++
			}
			f.Close(ticket, End{Now: f.now, Outcome: lb.Timeout})
			if answers {
				f.attempt(0, lb.Success, 0)
			}
			if f.out() > 0 {
				break
			}
		}
		want, out := 3, 1
		if answers {
			want, out = 4, 0
		}
		if taken != want || f.out() != out {
			t.Errorf("answers between %v: %d taken back, %d ejected; want %d and %d; did %+v", answers, taken, f.out(), want, out, f.actions())
		}
	}
}

func TestUsualsOfRoutesAreKeptByNameAndForgotten(t *testing.T) {
	f := newFleet(2, Defaults())
	first := f.Usuals([]string{"a", "b", "a"})
	if first[0] != first[2] || first[0] == first[1] {
		t.Error("one route has two, or two have one")
	}
	second := f.Usuals([]string{"b", "c"})
	if second[0] != first[1] {
		t.Error("a route that stayed was forgotten")
	}
	if third := f.Usuals([]string{"a"}); third[0] == first[0] {
		t.Error("a route that went was kept")
	}
}
