package decide

import (
	"math"
	"strings"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

func TestTheVerdictGoesByTheInterval(t *testing.T) {
	const before, margin = 0.050, 0.08
	for _, tt := range []struct {
		name              string
		loss, least, most float64 // over before
		want              string
	}{
		{"a gain beyond doubt", 0.70, 0.60, 0.80, Kept},
		{"a small gain, and no harm", 0.95, 0.88, 1.02, Kept},
		{"a gain that may be harm", 0.70, 0.30, 1.60, CannotTell},
		{"a gain too small, that may be a large one", 0.97, 0.90, 1.04, CannotTell},
		{"the same", 1.00, 0.95, 1.06, NoDifference},
		{"a little more, for certain", 1.04, 1.02, 1.06, NoDifference},
		{"the same, that may be harm", 1.00, 0.90, 1.11, CannotTell},
		{"twice as much, that may be a gain", 2.01, 0.80, 3.20, CannotTell},
		{"more for certain, how much is not", 1.15, 1.05, 1.26, CannotTell},
	} {
		s := lately{loss: tt.loss * before, least: tt.least * before, most: tt.most * before}
		if got := s.verdict(before, margin); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

// switched is a judge half a minute after a switch, since which n requests took
// so long, in order.
func switched(o Options, w watch, n int, latency func(i int) time.Duration) *Judge {
	j := New(o)
	w.At, w.From, w.To = stats.Instant(time.Hour), "least-request", "hot-cold"
	j.state.Policy, j.state.Watch = w.To, &w
	first := w.At.Add(3 * time.Second)
	for i := range n {
		took := latency(i)
		j.Observe([]lb.Record{{Sent: first.Add(time.Duration(i) * time.Millisecond), Endpoint: 1, Outcome: lb.Success, Attempt: 1, Latency: took, Took: took}})
	}
	return j
}

// halfAMinuteLater is what the judge does half a minute after that switch.
func halfAMinuteLater(j *Judge) Step {
	return j.Step(&View{Now: stats.Instant(time.Hour + 30*time.Second), Cluster: "web", Policy: j.state.Policy})
}

func TestAnOutcomeSaysItsInterval(t *testing.T) {
	steady := func(int) time.Duration { return 20 * time.Millisecond }
	one := func(i int) time.Duration { // an eighth of them take twelve times as long
		if i/100 == 5 {
			return 240 * time.Millisecond
		}
		return 20 * time.Millisecond
	}
	for _, tt := range []struct {
		name    string
		w       watch
		n       int
		latency func(int) time.Duration
		want    string
		says    string
	}{
		{"the same", watch{Before: 0.022, Noise: 0.01, Promised: 0.015, High: 0.02}, 800, steady, NoDifference, "measured +0 % (−2…+2 %; 22.0 ms → 22.0 ms; 15.0 ms was promised): no difference"},
		{"a noisy window before", watch{Before: 0.022, Noise: 0.3, Promised: 0.015, High: 0.02}, 800, steady, CannotTell, "measured +0 % (−39…+64 %; 22.0 ms → 22.0 ms; 15.0 ms was promised): cannot tell"},
		{"a noisy window since", watch{Before: 0.04, Noise: 0.01, Promised: 0.015, High: 0.02}, 800, one, CannotTell, ": cannot tell"},
		{"a gain", watch{Before: 0.04, Noise: 0.05, Promised: 0.015, High: 0.02}, 800, steady, Kept, "): kept"},
		{"harm that the promise allowed", watch{Before: 0.015, Noise: 0.01, Promised: 0.012, High: 0.04}, 800, steady, CannotTell, "cannot tell; worse is what is above 40.0 ms beyond doubt"},
		{"other circumstances", watch{Before: 0.022, Noise: 0.01, Promised: 0.015, High: 0.02, Circumstances: circumstances{Failures: 0.5}}, 800, steady, CannotTell, "cannot tell; meanwhile the share of failures went from 50 % to 0 %"},
		{"few requests", watch{Before: 0.022, Noise: 0.01, Promised: 0.015, High: 0.02}, 50, steady, CannotTell, "too few requests since to tell"},
	} {
		j := switched(Options{}, tt.w, tt.n, tt.latency)
		step := halfAMinuteLater(j)
		if len(step.Outcomes) != 1 || step.Changed {
			t.Errorf("%s: %+v; want an outcome and no change", tt.name, step)
			continue
		}
		o := step.Outcomes[0]
		if o.Verdict != tt.want || !strings.Contains(o.Text, tt.says) {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, o.Verdict, o.Text, tt.want, tt.says)
		}
		if o.Low > o.Measured || o.High < o.Measured || (o.High == 0) != (o.Measured == 0) {
			t.Errorf("%s: %g within %g to %g", tt.name, o.Measured, o.Low, o.High)
		}
	}
}

func TestHarmIsUndoneAndTheUndoIsHeldAgainstIt(t *testing.T) {
	w := watch{Before: 0.022, Noise: 0.01, Promised: 0.015, High: 0.02}
	j := switched(Options{UndoImmediately: true}, w, 800, func(int) time.Duration { return 100 * time.Millisecond })
	step := halfAMinuteLater(j)
	if len(step.Outcomes) != 1 || step.Outcomes[0].Verdict != Worse {
		t.Fatalf("%+v; want worse", step.Outcomes)
	}
	undo := j.state.Trial
	if undo == nil || !undo.Undo || step.Action.Policy != "least-request" {
		t.Fatalf("%+v, %+v; want an undo", undo, step.Action)
	}
	if math.Abs(undo.Before-0.110) > 1e-9 || undo.Promised != w.Before {
		t.Errorf("the undo is held against %g and promises %g; want what the switch cost, 0.11, and what was before, %g", undo.Before, undo.Promised, w.Before)
	}
}

// TestASwitchIsNotBlamedForMoreRequests: neither at once nor in its outcome.
func TestASwitchIsNotBlamedForMoreRequests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before float64 // requests a second
		want   string
	}{
		{"as many as before", 1000, Worse},
		{"half as many before", 500, CannotTell},
	} {
		w := watch{Before: 0.022, Noise: 0.01, Promised: 0.015, High: 0.02, Circumstances: circumstances{Rate: tt.before}}
		j := switched(Options{}, w, 26000, func(int) time.Duration { return 100 * time.Millisecond })
		j.state.Last = circumstances{Rate: tt.before} // of an evaluation before they came
		step := halfAMinuteLater(j)
		if len(step.Outcomes) != 1 || step.Outcomes[0].Verdict != tt.want || j.state.Watch != nil && j.state.Watch.Failed != (tt.want == Worse) {
			t.Errorf("%s: %+v; want %s", tt.name, step.Outcomes, tt.want)
		}
	}
}
