package guard

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/lb"
	"poise/internal/stats"
)

// TestGuardKeepsItsPromises runs random traffic, faults, checks and time past
// a guard of up to six endpoints.
func TestGuardKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "endpoints")
		o := Defaults()
		o.MaxEjected = rapid.Float64Range(0, 1).Draw(t, "max_ejected")
		o.Panic = rapid.Float64Range(0, 1).Draw(t, "panic")
		o.SlowStart = time.Duration(rapid.IntRange(0, 10).Draw(t, "slow_start")) * time.Second
		f := newFleet(n, o)
		failing := make([]lb.Outcome, n)
		members := f.members()
		t.Repeat(map[string]func(*rapid.T){
			"fault": func(t *rapid.T) {
				if n == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, n-1).Draw(t, "endpoint")
				failing[i] = lb.Outcome(rapid.IntRange(0, int(lb.OutcomeCount)-1).Draw(t, "outcome"))
			},
			"checks": func(t *rapid.T) {
				if n == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, n-1).Draw(t, "endpoint")
				members[i].Usable = !members[i].Usable
				f.Watch(members, f.now)
			},
			"traffic": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "requests") {
					f.now = f.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "pause")) * time.Millisecond)
					e, flags, err := f.pick(replayable)
					if n == 0 {
						if !errors.Is(err, lb.ErrNoEndpoint) {
							t.Fatalf("picked of nobody: %v", err)
						}
						continue
					}
					if err != nil {
						t.Fatalf("nobody picked of %d: %v", n, err)
					}
					for i := range f.endpoints {
						if f.endpoints[i] == e {
							f.attempt(i, failing[i], flags)
						}
					}
				}
			},
			"time": func(t *rapid.T) {
				f.pass(time.Duration(rapid.IntRange(1, 200).Draw(t, "ticks")) * TickEvery)
			},
			"": func(t *rapid.T) { checkPromises(t, f, members, &o) },
		})
	})
}

func checkPromises(t *rapid.T, f *fleet, members []Member, o *Options) {
	// What was ejected stays so when the checks find others unwell afterwards;
	// then panic ignores it. So the bound is that of all members.
	if out, most := f.out(), mostEjected(len(members), o.MaxEjected); out > most {
		t.Fatalf("%d of %d are ejected; at most %d may be", out, len(members), most)
	}
	left := 0
	for _, m := range members {
		if m.Usable && Phase(of(m.Endpoint).phase.Load()) != Ejected {
			left++
		}
	}
	panicking := o.Panic > 0 && f.out() > 0 && float64(left) < o.Panic*float64(len(members))
	for _, e := range f.endpoints {
		if panicking && f.Ejected(e) {
			t.Fatalf("%d left, %d ejected of %d: ejections are not ignored", left, f.out(), len(members))
		}
		if factor := Factor(e); factor < 0 || factor > 1 {
			t.Fatalf("factor %g", factor)
		}
	}
	for _, a := range f.actions() {
		if a.Kind == journal.Eject && (a.For < o.Base || a.For > o.Max) {
			t.Fatalf("ejected for %v", a.For)
		}
		v := a.Evidence
		row := v.Share == 1 && v.Attempts >= outlier.LeastRow && v.Over >= outlier.Long.Tau()
		if a.Kind == journal.Eject && a.Cause == journal.Errors && (v.Lower <= v.Bound || v.Attempts < outlier.LeastAttempts && !row) {
			t.Fatalf("ejected on the evidence %+v", v)
		}
	}
}

// TestWhoIsWellIsReadmitted ejects any way there is, and lets all be well
// afterwards: in the end everybody serves with all of its share.
func TestWhoIsWellIsReadmitted(t *testing.T) {
	simulated(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "endpoints")
		f := newFleet(n, Defaults())
		for range rapid.IntRange(1, 300).Draw(t, "requests") {
			f.now = f.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "pause")) * time.Millisecond)
			i := rapid.IntRange(0, n-1).Draw(t, "endpoint")
			bad := rapid.IntRange(0, n).Draw(t, "the last one that is well")
			o := lb.Success
			if i >= bad {
				o = lb.Reset
			}
			flags := lb.Flags(0)
			if Phase(of(f.endpoints[i]).phase.Load()) == Ejected {
				if f.now < stats.Instant(of(f.endpoints[i]).until.Load()) || !of(f.endpoints[i]).trials.Begin(trialsNeeded) {
					continue
				}
				flags = lb.Trial
			}
			f.attempt(i, o, flags)
		}
		for end := f.now.Add(2 * time.Minute); f.now < end; { // an ejection and a ramp, and more
			f.pass(TickEvery)
			for range 5 {
				e, flags, err := f.pick(replayable)
				if err != nil {
					t.Fatal(err)
				}
				for i := range f.endpoints {
					if f.endpoints[i] == e {
						f.attempt(i, lb.Success, flags)
					}
				}
			}
		}
		for _, e := range f.endpoints {
			if s := f.Status(e, f.now); s.Phase != Serving || s.Factor != 1 {
				t.Fatalf("%s is %+v two minutes after everything was well", e.Address, s)
			}
		}
	})
}

// TestNobodyIsOutWhenAllFailAlike fails a random share of everything, in turn
// at every endpoint.
func TestNobodyIsOutWhenAllFailAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "endpoints")
		every := rapid.IntRange(1, 20).Draw(t, "one in so many fails")
		well := rapid.IntRange(0, 500).Draw(t, "requests before that")
		f := newFleet(n, Defaults())
		for i := range well + 500 {
			f.now = f.now.Add(time.Millisecond)
			o := lb.Success
			if i >= well && i%every == 0 {
				o = lb.Connect
			}
			for e := range f.endpoints {
				f.attempt(e, o, 0)
			}
			if i%50 == 0 {
				f.Tick(f.now)
			}
			if f.out() > 0 {
				t.Fatalf("%d of %d are out after %d requests each", f.out(), n, i+1)
			}
		}
	})
}
