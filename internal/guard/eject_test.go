package guard

import (
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/stats"
)

func TestHowManyMayBeEjected(t *testing.T) {
	for _, row := range []struct {
		name  string
		n     int
		share float64
		want  int
	}{
		{"none of none", 0, 0.5, 0},
		{"the only one never", 1, 1, 0},
		{"one of two", 2, 0.5, 1},
		{"one of three, as half of three is one and a half", 3, 0.5, 1},
		{"half of eight", 8, 0.5, 4},
		{"a tenth of eight is still one", 8, 0.1, 1},
		{"never all of them", 8, 1, 7},
		{"a share of nothing turns it off", 8, 0, 0},
		{"a third of three in spite of rounding", 3, 1.0 / 3, 1},
		{"three tenths of ten in spite of rounding", 10, 0.3, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := mostEjected(row.n, row.share); got != row.want {
				t.Errorf("mostEjected(%d, %g) = %d; want %d", row.n, row.share, got, row.want)
			}
		})
	}
}

// TestEveryWayToFailOfUpToThree enumerates which of 0 to 3 endpoints fail.
func TestEveryWayToFailOfUpToThree(t *testing.T) {
	for n := range 4 {
		for failing := range 1 << n {
			f := newFleet(n, Defaults())
			bad := 0
			for range 500 {
				f.now = f.now.Add(2 * time.Millisecond)
				bad = 0
				for i := range n {
					o := lb.Success
					if failing>>i&1 == 1 {
						o, bad = lb.Connect, bad+1
					}
					f.attempt(i, o, 0)
				}
			}
			want := min(bad, mostEjected(n, 0.5))
			if bad == n { // all alike
				want = 0
			}
			if got := f.out(); got != want {
				t.Errorf("of %d endpoints %03b fail: %d are out; want %d", n, failing, got, want)
			}
		}
	}
}

func TestEjectionsGrowToTheMostAndShrinkAgain(t *testing.T) {
	for level, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		if got := ejectionTime(5*time.Second, time.Minute, level); got != want {
			t.Errorf("after %d ejections: %v; want %v", level, got, want)
		}
	}
	f := newFleet(4, Defaults())
	if d := f.failUntilOut(t, 0); d != 5*time.Second {
		t.Fatalf("the first ejection lasts %v; want 5s", d)
	}
	f.recover(t, 0)
	if d := f.failUntilOut(t, 0); d != 10*time.Second {
		t.Errorf("the second ejection lasts %v; want 10s", d)
	}
	f.recover(t, 0)
	f.pass(3 * time.Minute)
	if d := f.failUntilOut(t, 0); d != 5*time.Second {
		t.Errorf("after three minutes spent well an ejection lasts %v; want 5s", d)
	}
}

// failUntilOut fails everything at one endpoint until it is out, and returns
// for how long.
func (f *fleet) failUntilOut(t *testing.T, bad int) time.Duration {
	t.Helper()
	f.actions()
	for range 1000 {
		f.now = f.now.Add(5 * time.Millisecond)
		for i := range f.endpoints {
			switch {
			case i == bad:
				f.attempt(i, lb.Reset, 0)
			case Phase(of(f.endpoints[i]).phase.Load()) != Ejected:
				f.attempt(i, lb.Success, 0)
			}
		}
		for _, a := range f.actions() {
			if a.Kind == journal.Eject {
				return a.For
			}
		}
	}
	t.Fatal("nobody was ejected")
	return 0
}

// recover lets the ejection pass and the trials go well.
func (f *fleet) recover(t *testing.T, i int) {
	t.Helper()
	e := of(f.endpoints[i])
	f.now = max(f.now, stats.Instant(e.until.Load()))
	for range trialsNeeded {
		if !e.trials.Begin(trialsNeeded) {
			t.Fatal("no trial may begin")
		}
		f.attempt(i, lb.Success, lb.Trial)
	}
	if p := Phase(e.phase.Load()); p != Ramping {
		t.Fatalf("after the trials it is %v; want it ramping", p)
	}
}

func TestNoMoreThanHalfAreEjected(t *testing.T) {
	f := newFleet(8, Defaults())
	for range 1000 { // the others get so much traffic that any number of failing ones stands out
		f.now = f.now.Add(time.Millisecond)
		for i := range f.endpoints {
			if i < 7 {
				if Phase(of(f.endpoints[i]).phase.Load()) != Ejected {
					f.attempt(i, lb.Reset, 0)
				}
				continue
			}
			for range 300 {
				f.attempt(i, lb.Success, 0)
			}
		}
	}
	if f.out() != 4 {
		t.Errorf("%d of 8 are out; want 4", f.out())
	}
	held := 0
	for _, a := range f.actions() {
		if a.Kind == journal.HoldBack && a.Gate == journal.MaxEjected {
			held++
		}
	}
	if held == 0 {
		t.Error("no hold-back by max-ejected was told")
	}
}

func TestPanicHoldsEjectionsBackAndIgnoresThem(t *testing.T) {
	f := newFleet(4, Defaults())
	f.failUntilOut(t, 0)
	members := f.members()
	members[1].Usable, members[2].Usable = false, false
	f.Watch(members, f.now)
	if f.Ejected(f.endpoints[0]) {
		t.Error("with one of four left, ejections must be ignored")
	}
	kinds := map[journal.Kind]int{}
	for _, a := range f.actions() {
		kinds[a.Kind]++
	}
	if kinds[journal.PanicOn] != 1 {
		t.Errorf("told %v; want panic-on once", kinds)
	}
	f.Watch(f.members(), f.now)
	if !f.Ejected(f.endpoints[0]) {
		t.Error("with enough left again, the ejection must hold")
	}

	f = newFleet(4, Defaults())
	members = f.members()
	members[1].Usable, members[2].Usable = false, false
	f.Watch(members, f.now)
	for range 500 {
		f.now = f.now.Add(2 * time.Millisecond)
		f.attempt(0, lb.Reset, 0)
		f.attempt(3, lb.Success, 0)
	}
	held := 0
	for _, a := range f.actions() {
		if a.Kind == journal.HoldBack && a.Gate == journal.Panic {
			held++
		}
	}
	if f.out() != 0 || held == 0 {
		t.Errorf("%d ejected, %d hold-backs by panic; want none ejected and it told", f.out(), held)
	}
}

// TestEndpointsThatFailTogetherDoNotHideBehindEachOther: beside the mean of
// the others, of which some are dead too, none of them would stand out.
func TestEndpointsThatFailTogetherDoNotHideBehindEachOther(t *testing.T) {
	for _, row := range []struct{ n, bad, want int }{{3, 2, 1}, {4, 2, 2}, {8, 3, 3}, {8, 4, 4}, {8, 7, 4}} {
		f := newFleet(row.n, Defaults())
		for range 500 {
			f.now = f.now.Add(4 * time.Millisecond)
			for i := range f.endpoints {
				o := lb.Success
				if i < row.bad {
					o = lb.Reset
				}
				f.attempt(i, o, 0)
			}
		}
		if row.bad == 7 { // the better half fails too: that is an outage
			row.want = 0
		}
		if f.out() != row.want {
			t.Errorf("%d of %d fail: %d are out; want %d", row.bad, row.n, f.out(), row.want)
		}
	}
}

// TestOutageThatShowsAtOneFirst: a policy that prefers idle endpoints asks one
// of them only, until it is out; then the others fail as well.
func TestOutageThatShowsAtOneFirst(t *testing.T) {
	f := newFleet(4, Defaults())
	for range 100 {
		f.now = f.now.Add(5 * time.Millisecond)
		for i := range f.endpoints {
			f.attempt(i, lb.Success, 0)
		}
	}
	f.failUntilOut(t, 0)
	for range 200 {
		f.now = f.now.Add(5 * time.Millisecond)
		for i := 1; i < 4; i++ {
			f.attempt(i, lb.Reset, 0)
		}
		f.Tick(f.now)
	}
	if f.out() != 0 {
		t.Errorf("%d are out although all fail", f.out())
	}
	released := 0
	for _, a := range f.actions() {
		if a.Kind == journal.Release && a.Gate == journal.EveryoneAlike {
			released++
		}
	}
	if released != 1 {
		t.Errorf("%d releases were told; want one", released)
	}
}

func TestTickSaysOnceThatSomebodyCameOrWent(t *testing.T) {
	f := newFleet(4, Defaults())
	f.Tick(f.now)
	f.failUntilOut(t, 0)
	if !f.Tick(f.now).Changed {
		t.Error("an ejection is not reported")
	}
	f.Watch(f.members(), f.now) // as after every snapshot
	if f.Tick(f.now).Changed {
		t.Error("a snapshot that follows a report leads to the next one")
	}
	f.recover(t, 0)
	if !f.Tick(f.now).Changed {
		t.Error("a readmission is not reported")
	}
}

func TestEndpointThatHasLeftIsNotJudged(t *testing.T) {
	f := newFleet(4, Defaults())
	f.attempt(0, lb.Success, 0)
	f.Watch(f.members()[1:], f.now)
	for range 500 {
		f.now = f.now.Add(5 * time.Millisecond)
		f.attempt(0, lb.Reset, 0) // one that was under way
		for i := 1; i < 4; i++ {
			f.attempt(i, lb.Success, 0)
		}
	}
	if a := f.actions(); len(a) != 0 || f.out() != 0 {
		t.Errorf("did %v", a)
	}
}
