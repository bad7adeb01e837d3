package decide

import (
	"math"
	"strings"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// tried is a judge whose trial has been in a phase for a while.
func tried(phase int, before float64) *Judge {
	j := New(Options{})
	j.now = stats.Instant(time.Hour)
	j.state.Trial = &trial{Policy: "p2c", From: "hot-cold", Mean: before, Noise: 0.02}
	for p := range phase + 1 {
		j.state.Trial.begin(p, j.now.Add(5*time.Second*time.Duration(p)))
	}
	j.now = j.state.Trial.PhaseAt
	return j
}

// serve observes what n requests of the present phase took, over so long.
func (j *Judge) serve(dice *stats.Dice, n int, over time.Duration, latency func(canary bool) float64) {
	t := j.state.Trial
	var all []lb.Record
	for i := range n {
		r := lb.Record{Sent: t.PhaseAt.Add(over * time.Duration(i) / time.Duration(n)), Endpoint: 1, Outcome: lb.Success, Attempt: 1}
		canary := dice.Float64() < t.share()
		if canary {
			r.Flags |= lb.Canary
		}
		r.Latency = time.Duration(latency(canary) * 1e9)
		r.Took = r.Latency
		all = append(all, r)
	}
	j.Observe(all)
	j.now = t.PhaseAt.Add(over + time.Minute)
}

// heavy are latencies of which one in twenty is twenty times as long.
func heavy(dice *stats.Dice) float64 {
	if dice.Float64() < 0.05 {
		return 0.205
	}
	return 0.0103 * (0.5 + dice.Float64())
}

func TestACanaryThatWaitsIsFoundOutUnderAHeavyTail(t *testing.T) {
	found, alarms := 0, 0
	for seed := range uint64(200) {
		dice := stats.NewDice(seed)
		j := tried(0, 0.02)
		j.serve(&dice, 3500, 5*time.Second, func(canary bool) float64 {
			v := heavy(&dice)
			if canary {
				v += 0.006 // of 20 ms
			}
			return v
		})
		if e := j.canary(); e.fails(false) != "" {
			found++
		}
		j = tried(0, 0.02)
		j.serve(&dice, 3500, 5*time.Second, func(bool) float64 { return heavy(&dice) })
		if e := j.canary(); e.fails(false) != "" {
			alarms++
		}
	}
	if found < 190 || alarms > 0 {
		t.Errorf("%d of 200 canaries that wait 30 %% longer are found out, and %d of 200 that do not; want nearly all, and none", found, alarms)
	}
}

func TestABetterCanaryEndsEarly(t *testing.T) {
	for _, c := range []struct {
		what          string
		phase         int
		canary, other float64
		before        float64
		clear         bool
	}{
		{"better", 0, 0.02, 0.04, 0.04, true},
		{"the same", 0, 0.04, 0.04, 0.04, false},
		{"half of the requests, and they do better than before", 1, 0.02, 0.03, 0.04, true},
		{"half of the requests, and they do worse than all before", 1, 0.045, 0.09, 0.04, false},
	} {
		dice := stats.NewDice(7)
		j := tried(c.phase, c.before)
		j.serve(&dice, 3000, 2*time.Second, func(canary bool) float64 {
			mean := c.other
			if canary {
				mean = c.canary
			}
			return -math.Log(1-dice.Float64()) * mean
		})
		if e := j.canary(); e.clear() != c.clear {
			t.Errorf("%s: clear is %t; want %t (%+v)", c.what, e.clear(), c.clear, e)
		}
	}
}

// TestACanaryWhoseRequestsHangIsNotClear: those that have ended are the quick
// ones.
func TestACanaryWhoseRequestsHangIsNotClear(t *testing.T) {
	dice := stats.NewDice(1)
	j := tried(0, 0.04)
	j.serve(&dice, 3000, 2*time.Second, func(canary bool) float64 {
		switch {
		case !canary:
			return 0.04
		case dice.Float64() < 0.5:
			return 100
		}
		return 0.01
	})
	if e := j.canary(); e.clear() || !e.missing {
		t.Errorf("half of its requests have not ended, and it is called clear: %+v", e)
	}
}

// TestACanaryIsNotBlamedForWhatItsControlGains: it leaves the fast endpoints
// that all crowded at, and the control finds them idle.
func TestACanaryIsNotBlamedForWhatItsControlGains(t *testing.T) {
	for _, c := range []struct {
		what         string
		before       float64
		canary, rest float64
		rate         float64 // before; now it is 1,000 a second
		kept         bool
	}{
		{"all lose less than before", 0.031, 0.0215, 0.0174, 1000, true},
		{"the control loses as before", 0.0174, 0.0215, 0.0174, 1000, false},
		{"twice as many requests came before", 0.031, 0.0215, 0.0174, 2000, false},
		{"much more than the control", 0.031, 0.041, 0.0174, 1000, false},
	} {
		dice := stats.NewDice(3)
		j := tried(1, c.before)
		j.state.Trial.Circumstances = circumstances{Rate: c.rate}
		j.state.Last = circumstances{Rate: 1000}
		j.serve(&dice, 5000, 5*time.Second, func(canary bool) float64 {
			mean := c.rest
			if canary {
				mean = c.canary
			}
			return -math.Log(1-dice.Float64()) * mean
		})
		e := j.canary()
		if why := e.fails(true); (why == "") != c.kept {
			t.Errorf("%s: it says %q (%+v)", c.what, why, e)
		}
	}
}

func TestAFailingCanaryIsAbandonedWithAReason(t *testing.T) {
	dice := stats.NewDice(1)
	j := tried(0, 0.02)
	j.serve(&dice, 1000, time.Second, func(canary bool) float64 {
		if canary {
			return 0.1
		}
		return 0.02 + 0.001*dice.Float64()
	})
	e := j.canary()
	if why := e.fails(false); !strings.Contains(why, "its requests lost 4.9× as much") {
		t.Errorf("it says %q", why)
	}
}

func TestACanaryOfFewRequestsLastsLonger(t *testing.T) {
	for _, tt := range []struct {
		requests int
		after    time.Duration
		want     int
	}{
		{130, 6 * time.Second, 0},  // 13 of the canary
		{130, 16 * time.Second, 1}, // as long as it may last
		{1000, 6 * time.Second, 1}, // 100
		{1000, 4900 * time.Millisecond, 0},
	} {
		dice := stats.NewDice(1)
		j := tried(0, 0.02)
		j.serve(&dice, tt.requests, 4*time.Second, func(bool) float64 { return 0.02 * (0.9 + 0.2*dice.Float64()) })
		j.now = j.state.Trial.PhaseAt.Add(tt.after)
		j.advance(&View{}, &Step{})
		if got := j.state.Trial.Phase; got != tt.want {
			t.Errorf("%d requests, %v: phase %d; want %d", tt.requests, tt.after, got, tt.want)
		}
	}
}

// TestHarmThatShowsOnlyWithNearlyAllIsFoundOut: both sides wait in the same
// queues, so a canary is no worse than its control, and a half was served well.
func TestHarmThatShowsOnlyWithNearlyAllIsFoundOut(t *testing.T) {
	for _, c := range []struct {
		what      string
		phase     int
		loss      float64 // of both sides, where it was 0.02
		promise   float64 // the most of that
		busier    bool
		abandoned bool
	}{
		{"three times as much is lost", proof, 0.06, 0.9, false, true},
		{"as much is lost while the share still grows", proof - 1, 0.02, 0.5, false, false},
		{"as much is lost, and half was promised", proof, 0.022, 0.5, false, true},
		{"as much is lost, and hardly less was promised", proof, 0.02, 0.98, false, false},
		{"what was promised came", proof, 0.012, 0.7, false, false},
		{"three times as much is lost, but there are twice as many", proof, 0.06, 0.9, true, false},
	} {
		dice := stats.NewDice(3)
		j := tried(1, 0.02)
		served := func(loss float64) func(bool) float64 {
			return func(bool) float64 { return heavy(&dice) / 0.02 * loss }
		}
		j.serve(&dice, 3000, 5*time.Second, served(0.02))
		j.state.Trial.Before, j.state.Trial.High = 1, c.promise
		for p := 2; p <= c.phase; p++ {
			j.state.Trial.begin(p, j.now)
		}
		j.state.Last.Rate, j.state.Trial.Circumstances.Rate = 1000, 1000
		if c.busier {
			j.state.Trial.Circumstances.Rate = 500
		}
		j.serve(&dice, 2000, 5*time.Second, served(c.loss))
		j.state.Tally = tally{}
		e := j.canary()
		if why := e.fails(true); (why != "") != c.abandoned || c.abandoned && !strings.Contains(why, "nearly all") {
			t.Errorf("%s: %q; want it abandoned: %v (%+v)", c.what, why, c.abandoned, e)
		}
	}
}

// TestTheProofHasItsTime: the steps of the ramp are short, that with nearly all
// requests is not, and where there are few requests it lasts until they tell.
func TestTheProofHasItsTime(t *testing.T) {
	for _, c := range []struct {
		what   string
		phase  int
		n      int
		waited time.Duration
		over   bool
	}{
		{"the ramp", proof - 1, 300, 1100 * time.Millisecond, true},
		{"nearly all, a second", proof, 300, 1100 * time.Millisecond, false},
		{"nearly all, five seconds", proof, 300, 5100 * time.Millisecond, true},
		{"nearly all, five seconds of few", proof, 40, 5100 * time.Millisecond, false},
		{"nearly all, fifteen seconds of few", proof, 40, 15100 * time.Millisecond, true},
	} {
		dice := stats.NewDice(5)
		j := tried(c.phase, 0.02)
		trial := *j.state.Trial
		j.serve(&dice, c.n, time.Second, func(bool) float64 { return 0.02 * (0.5 + dice.Float64()) })
		got := j.Step(&View{Now: trial.PhaseAt.Add(c.waited)})
		if got.Changed != c.over {
			t.Errorf("%s: the phase is over: %v; want %v (%+v)", c.what, got.Changed, c.over, got)
		}
	}
}
