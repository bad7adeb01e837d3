package guard

import (
	"errors"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/roundrobin"
	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/stats"
)

// pick asks for an endpoint as a proxy does.
func (f *fleet) pick(w Want, exclude ...*lb.Endpoint) (*lb.Endpoint, lb.Flags, error) {
	var cursor balance.Cursor
	dice := stats.NewDice(uint64(f.now))
	set := balance.Set{Members: f.endpoints, Eligible: f.endpoints, Cursor: &cursor}
	tried := append(make([]*lb.Endpoint, 0, 8), exclude...)
	return f.Pick(roundrobin.New(set, balance.Options{}), balance.PickInfo{Now: f.now, Dice: &dice, Exclude: tried}, w)
}

var replayable = Want{Replayable: true}

func ejectedFleet(t *testing.T) (f *fleet, e *Endpoint) {
	t.Helper()
	f = newFleet(4, Defaults())
	f.failUntilOut(t, 0)
	f.actions()
	return f, of(f.endpoints[0])
}

func TestTrialsGoOneAtATime(t *testing.T) {
	f, _ := ejectedFleet(t)
	for range 50 {
		if e, flags, _ := f.pick(replayable); flags != 0 || e == f.endpoints[0] {
			t.Fatal("an ejected endpoint was picked before its time was over")
		}
	}
	f.now = f.now.Add(5 * time.Second)
	e, flags, err := f.pick(replayable)
	if e != f.endpoints[0] || flags != lb.Trial || err != nil {
		t.Fatalf("picked %v, flags %v, %v; want a trial of the first", e, flags, err)
	}
	for range 50 {
		if e, flags, _ := f.pick(replayable); flags != 0 || e == f.endpoints[0] {
			t.Fatal("a second trial began while the first one went on")
		}
	}
	f.attempt(0, lb.Success, lb.Trial)
	if _, flags, _ := f.pick(replayable); flags != lb.Trial {
		t.Error("no further trial after one that went well")
	}
}

func TestWhatTrialsComeTo(t *testing.T) {
	for _, row := range []struct {
		name     string
		outcomes []lb.Outcome
		want     Phase
		kind     journal.Kind // of the last action
	}{
		{"five that go well take it back", []lb.Outcome{0, 0, 0, 0, 0}, Ramping, journal.Readmit},
		{"four are not enough", []lb.Outcome{0, 0, 0, 0}, Ejected, journal.TrialWon},
		{"one failure starts all over", []lb.Outcome{0, 0, 0, 0, lb.Status5xx}, Ejected, journal.TrialLost},
		{"a client that left says nothing", []lb.Outcome{lb.Canceled, 0, 0, 0, 0, lb.Canceled, 0}, Ramping, journal.Readmit},
		{"429 says nothing", []lb.Outcome{0, lb.Pressure, 0, 0, 0, 0}, Ramping, journal.Readmit},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, e := ejectedFleet(t)
			f.now = f.now.Add(5 * time.Second)
			for _, o := range row.outcomes {
				if x, flags, _ := f.pick(replayable); x != f.endpoints[0] || flags != lb.Trial {
					t.Fatal("no trial was picked")
				}
				f.attempt(0, o, lb.Trial)
			}
			a := f.actions()
			if got := Phase(e.phase.Load()); got != row.want || a[len(a)-1].Kind != row.kind {
				t.Errorf("it is %v after %v; want %v after %v", got, a[len(a)-1].Kind, row.want, row.kind)
			}
		})
	}
}

func TestLostTrialDoublesTheEjection(t *testing.T) {
	f, e := ejectedFleet(t)
	for _, want := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		f.now = stats.Instant(e.until.Load())
		if _, flags, _ := f.pick(replayable); flags != lb.Trial {
			t.Fatal("no trial was picked")
		}
		f.attempt(0, lb.Reset, lb.Trial)
		if got := stats.Instant(e.until.Load()).Sub(f.now); got != want {
			t.Errorf("the next ejection lasts %v; want %v", got, want)
		}
	}
}

func TestTrialsPreferRequestsThatCanBeSentAgain(t *testing.T) {
	f, _ := ejectedFleet(t)
	f.now = f.now.Add(5 * time.Second)
	if _, flags, _ := f.pick(Want{}); flags != 0 {
		t.Error("a request that cannot be sent again was a trial at once")
	}
	if _, flags, _ := f.pick(Want{Replayable: true, Retry: true}); flags != 0 {
		t.Error("a retry was a trial")
	}
	f.now = f.now.Add(trialPatience)
	if _, flags, _ := f.pick(Want{}); flags != lb.Trial {
		t.Error("with no other requests the endpoint would stay out for ever")
	}
}

func TestTrialThatNeverBeganIsGivenUp(t *testing.T) {
	f, _ := ejectedFleet(t)
	f.now = f.now.Add(5 * time.Second)
	_, _, _ = f.pick(replayable)
	f.pass(abandonedAfter + 2*TickEvery)
	if _, flags, _ := f.pick(replayable); flags != lb.Trial {
		t.Error("an endpoint whose trial was picked and never begun is tried no more")
	}
}

func TestTrialThatHangsIsLostBeforeItsTimeout(t *testing.T) {
	f, e := ejectedFleet(t)
	f.now = f.now.Add(5 * time.Second)
	_, _, _ = f.pick(replayable)
	var hung Ticket
	f.Open(&hung, f.endpoints[0], Entry{Now: f.now, Flags: lb.Trial, Replayable: true})
	f.pass(time.Second + 3*TickEvery) // nothing is known of the others' latency here
	if got := stats.Instant(e.until.Load()).Sub(f.now); got < 9*time.Second {
		t.Fatalf("ejected for %v more; want about 10 s", got)
	}
	if !hung.Taken() {
		t.Error("the trial's request was not taken back")
	}
	f.actions()
	f.Close(&hung, End{Now: f.now, Outcome: lb.Success}) // its answer comes late
	if a := f.actions(); len(a) != 0 {
		t.Errorf("the late end of a trial did %v", a)
	}
}

func TestEndpointThatWasSlowMustAnswerInTime(t *testing.T) {
	f, e := ejectedFleet(t)
	e.patient.Store(int64(50 * time.Millisecond))
	for _, latency := range []time.Duration{40 * time.Millisecond, 60 * time.Millisecond} {
		f.now = max(f.now, stats.Instant(e.until.Load()))
		_, _, _ = f.pick(replayable)
		f.Open(&f.ticket, f.endpoints[0], Entry{Now: f.now, Flags: lb.Trial})
		f.Close(&f.ticket, End{Now: f.now, Latency: latency})
	}
	a := f.actions()
	if len(a) != 2 || a[0].Kind != journal.TrialWon || a[1].Kind != journal.TrialLost || a[1].Evidence.Latency != 60*time.Millisecond {
		t.Errorf("did %+v; want the trial of 40 ms won and that of 60 ms lost", a)
	}
}

func TestRetryGoesNowhereRatherThanToAnEjectedEndpoint(t *testing.T) {
	f, _ := ejectedFleet(t)
	tried := f.endpoints[1:]
	if _, _, err := f.pick(Want{Replayable: true, Retry: true}, tried...); !errors.Is(err, lb.ErrNoEndpoint) {
		t.Errorf("a retry with only an ejected endpoint left: %v; want %v", err, lb.ErrNoEndpoint)
	}
	if e, _, err := f.pick(replayable, tried...); e != f.endpoints[0] || err != nil {
		t.Errorf("a first attempt with only an ejected endpoint left: %v, %v; want it", e, err)
	}
}

func TestRetryAvoidsAnEndpointThatFails(t *testing.T) {
	f := newFleet(3, Options{}) // ejects nobody
	for range 100 {
		f.now = f.now.Add(4 * time.Millisecond)
		f.attempt(0, lb.Success, 0)
		f.attempt(1, lb.Success, 0)
		f.attempt(2, lb.Reset, 0)
	}
	f.Tick(f.now)
	for range 10 {
		if e, _, _ := f.pick(Want{Replayable: true, Retry: true}, f.endpoints[0]); e != f.endpoints[1] {
			t.Fatalf("the retry went to %s; want the one that works", e.Address)
		}
	}
	if e, _, _ := f.pick(Want{Retry: true}, f.endpoints[0], f.endpoints[1]); e != f.endpoints[2] {
		t.Error("with nobody else left the retry must go there")
	}
}

func TestFactorOfAnEndpoint(t *testing.T) {
	f := newFleet(4, Defaults())
	f.pass(11 * time.Second)
	if got := Factor(f.endpoints[0]); got != 1 {
		t.Errorf("after slow_start: %g; want 1", got)
	}
	f.failUntilOut(t, 0)
	if got := Factor(f.endpoints[0]); got != 0 {
		t.Errorf("ejected: %g; want 0", got)
	}
	f.recover(t, 0)
	f.pass(5 * time.Second)
	if got := Factor(f.endpoints[0]); !near(got, 0.5, 0.02) {
		t.Errorf("half way through slow_start: %g; want 0.5", got)
	}
	if got := Factor(&lb.Endpoint{}); got != 1 {
		t.Errorf("of an endpoint without a guard: %g; want 1", got)
	}
}

func TestRampWaitsForAnEndpointThatIsStillSlow(t *testing.T) {
	f := newFleet(4, Defaults())
	f.pass(11 * time.Second)
	f.failUntilOut(t, 0)
	f.recover(t, 0)
	warm := func(latency time.Duration) {
		for range 50 {
			for i, e := range f.endpoints {
				l := 10 * time.Millisecond
				if i == 0 {
					l = latency
				}
				e.Stats.Latency.Observe(l)
			}
		}
		f.pass(time.Second)
	}
	warm(10 * time.Millisecond)
	before := Factor(f.endpoints[0])
	for range 6 {
		warm(40 * time.Millisecond)
	}
	if got := Factor(f.endpoints[0]); got > before+0.15 {
		t.Errorf("the ramp went on from %.2f to %.2f while four times slower; want it to wait", before, got)
	}
	for range 12 {
		warm(10 * time.Millisecond)
	}
	if got := Factor(f.endpoints[0]); got != 1 {
		t.Errorf("%.2f after it has become warm; want 1", got)
	}
}

func TestPickIsSaturatedWhenEveryEndpointIsAtItsLimit(t *testing.T) {
	o := Defaults()
	o.Concurrency, o.Limit = Fixed, 2
	f := newFleet(2, o)
	for i := range 4 {
		e, _, err := f.pick(replayable)
		if err != nil {
			t.Fatalf("attempt %d: %v", i, err)
		}
		e.Live.Begin()
	}
	if _, _, err := f.pick(replayable); !errors.Is(err, ErrSaturated) {
		t.Errorf("with two of two under way everywhere: %v; want %v", err, ErrSaturated)
	}
	f.endpoints[1].Live.End()
	if e, _, err := f.pick(replayable); e != f.endpoints[1] || err != nil {
		t.Errorf("picked %v, %v; want the one with room", e, err)
	}
}
