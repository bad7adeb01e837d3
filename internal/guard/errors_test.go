package guard

import (
	"fmt"
	"math"
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/stats"
)

func near(got, want, off float64) bool { return math.Abs(got-want) <= off*math.Max(1, math.Abs(want)) }

// fleet is a guard with endpoints that answer when a test says so.
type fleet struct {
	*Guard
	endpoints []*lb.Endpoint
	now       stats.Instant
	ticket    Ticket
}

func newFleet(n int, o Options) *fleet {
	f := &fleet{Guard: New(o, retry.NewBudget(0.2)), now: stats.Instant(time.Hour)}
	for i := range n {
		e := &lb.Endpoint{Address: fmt.Sprintf("10.0.0.%d:80", i+1), Weight: 1, Live: &lb.Live{}, Stats: &lb.Stats{}}
		Attach(e)
		f.endpoints = append(f.endpoints, e)
	}
	f.Watch(f.members(), f.now)
	return f
}

func (f *fleet) members() (all []Member) {
	for _, e := range f.endpoints {
		all = append(all, Member{Endpoint: e, Usable: true})
	}
	return all
}

// attempt makes one attempt that ends at once.
func (f *fleet) attempt(i int, o lb.Outcome, flags lb.Flags) {
	f.Open(&f.ticket, f.endpoints[i], Entry{Now: f.now, Flags: flags, Replayable: true})
	latency := time.Duration(0)
	if o == lb.Success || o == lb.Status5xx {
		latency = 10 * time.Millisecond
		f.ticket.Answered(f.now)
		f.endpoints[i].Stats.Latency.Observe(latency)
	}
	f.endpoints[i].Stats.Outcomes[o].Add(1)
	f.Close(&f.ticket, End{Now: f.now, Latency: latency, Outcome: o})
}

func (f *fleet) out() (n int) {
	for _, e := range f.endpoints {
		if Phase(of(e).phase.Load()) == Ejected {
			n++
		}
	}
	return n
}

func (f *fleet) pass(d time.Duration) {
	for end := f.now.Add(d); f.now < end; {
		f.now = f.now.Add(TickEvery)
		f.Tick(f.now)
	}
}

func (f *fleet) actions() []journal.Action {
	list, _ := f.Journal().Drain(nil)
	return list
}

// TestFailingEndpointIsOutWithinTensOfRequests has 240 requests a second at
// each of eight endpoints, well for ten seconds, and then nine of ten failing
// at one.
func TestFailingEndpointIsOutWithinTensOfRequests(t *testing.T) {
	for _, row := range []struct {
		name string
		well time.Duration
		most int
	}{
		{"after ten seconds in which all was well", 10 * time.Second, 15},
		{"from its first request on", 0, 12},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(8, Defaults())
			step := time.Second / 240
			for end := f.now.Add(row.well); f.now < end; f.now = f.now.Add(step) {
				for i := range f.endpoints {
					f.attempt(i, lb.Success, 0)
				}
			}
			began := f.now
			for n := 1; ; n++ {
				f.now = f.now.Add(step)
				for i := range f.endpoints {
					o := lb.Success
					if i == 3 && n%10 != 0 {
						o = lb.Status5xx
					}
					f.attempt(i, o, 0)
				}
				if f.out() > 0 {
					t.Logf("out after %d requests, %v", n, f.now.Sub(began))
					break
				}
				if n == row.most {
					t.Fatalf("not out after %d requests", n)
				}
			}
			a := f.actions()
			last := a[len(a)-1]
			if last.Kind != journal.Eject || last.Cause != journal.Errors || last.Endpoint != "10.0.0.4:80" || last.For != 5*time.Second {
				t.Errorf("did %+v; want the fourth ejected for errors, for 5 s", last)
			}
			if v := last.Evidence; v.Attempts < outlier.LeastAttempts || v.Lower <= v.Bound || v.Share <= v.Lower || v.Rest != 0 {
				t.Errorf("evidence %+v does not carry the ejection", v)
			}
		})
	}
}

// TestFailuresThatComeRarelyAreSeenInARow has 25 requests a second at each of
// seven endpoints, and about one a second at the eighth.
func TestFailuresThatComeRarelyAreSeenInARow(t *testing.T) {
	const visits = 20
	for _, row := range []struct {
		name  string
		every time.Duration // to the next visit
		visit func(n int) lb.Outcome
		rest  lb.Outcome
		out   int // at which visit; 0: never
	}{
		{"each fails", 900 * time.Millisecond, func(int) lb.Outcome { return lb.Reset }, lb.Success, 8},
		{"the fifth goes well", 900 * time.Millisecond, func(n int) lb.Outcome {
			if n == 5 {
				return lb.Success
			}
			return lb.Reset
		}, lb.Success, 13},
		{"every other goes well", 900 * time.Millisecond, func(n int) lb.Outcome {
			if n%2 == 0 {
				return lb.Success
			}
			return lb.Reset
		}, lb.Success, 0},
		{"every minute one", time.Minute, func(int) lb.Outcome { return lb.Reset }, lb.Success, 0},
		{"everybody fails", 900 * time.Millisecond, func(int) lb.Outcome { return lb.Reset }, lb.Reset, 0},
		{"the clients leave", 900 * time.Millisecond, func(int) lb.Outcome { return lb.Canceled }, lb.Success, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(8, Defaults())
			out := 0
			for n := 1; n <= visits && out == 0; n++ {
				for end := f.now.Add(row.every); f.now < end; f.now = f.now.Add(40 * time.Millisecond) {
					for i := range f.endpoints[:7] {
						f.attempt(i, row.rest, 0)
					}
				}
				f.attempt(7, row.visit(n), 0)
				if Phase(of(f.endpoints[7]).phase.Load()) == Ejected {
					out = n
				}
			}
			if out != row.out {
				t.Errorf("out at visit %d; want %d", out, row.out)
			}
		})
	}
}

func TestClientThatLeftAndPressureAreNoFailures(t *testing.T) {
	f := newFleet(3, Defaults())
	for range 200 {
		f.now = f.now.Add(2 * time.Millisecond)
		f.attempt(0, lb.Canceled, 0)
		f.attempt(0, lb.Pressure, 0)
		f.attempt(1, lb.Success, 0)
		f.attempt(2, lb.Success, 0)
	}
	if f.out() != 0 {
		t.Error("an endpoint was ejected that did not fail")
	}
}

func TestAllThatFailAlikeStay(t *testing.T) {
	for n := 1; n <= 5; n++ {
		f := newFleet(n, Defaults())
		for range 2000 {
			f.now = f.now.Add(time.Millisecond)
			for i := range f.endpoints {
				f.attempt(i, lb.Reset, 0)
			}
		}
		if f.out() != 0 {
			t.Errorf("of %d that all fail, %d were ejected", n, f.out())
		}
		for _, a := range f.actions() {
			if a.Kind != journal.HoldBack || a.Gate != journal.EveryoneAlike && a.Gate != journal.Volume {
				t.Errorf("of %d: %+v; want hold-backs only", n, a)
			}
		}
	}
}
