package decide_test

import (
	"strings"
	"testing"
	"time"

	"poise/internal/decide"
	"poise/internal/trust"
)

// TestTrustIsLostBeforeHarmIsDoneAndEarnedAgain lies to a judge about the
// policy that runs: once its forecasts have failed often enough it advises only,
// although another policy gains, and says so; they are scored on, and once they
// hold again it acts.
func TestTrustIsLostBeforeHarmIsDoneAndEarnedAgain(t *testing.T) {
	simulated(t)
	lies := true
	o := decide.Options{Evaluate: 2 * time.Second, Dwell: 12 * time.Second, Margin: 0.2, Distort: func(all []decide.Candidate) {
		for i := range all {
			if lies {
				all[i].Scale(0.2)
			}
		}
	}}
	w := scenario("homog", 1)
	l := newLoop(w, "least-request", o)
	l.run(2 * (trust.Least + 3))
	t.Cleanup(func() {
		if t.Failed() {
			l.log(t)
		}
	})
	last := l.entries[len(l.entries)-1]
	if f := last.Evidence.Forecasts; !f.Distrusted || f.Inside != 0 {
		t.Fatalf("after %d forecasts that failed: %+v", trust.Least, f)
	}
	if !said(l.entries, "the engine advises only from now on: of the last 40 forecasts 0 % fell inside") {
		t.Error("the journal does not say that trust is lost")
	}
	for i, s := range w.Servers { // now another policy gains
		s.Mean *= time.Duration(1 + 3*(i%2))
	}
	w.Rate = 750
	from := len(l.entries)
	l.run(20)
	advised := false
	for _, e := range l.entries[from:] {
		if e.Action == decide.Canary || e.Action == decide.Switch {
			t.Fatalf("without trust: %s", e.Text)
		}
		advised = advised || e.Action == decide.Advised && e.Gate == decide.GateTrust && strings.Contains(e.Text, "the engine advises only")
	}
	if !advised {
		t.Error("it does not say what it would do")
	}
	lies = false
	from = len(l.entries)
	l.run(2 * (trust.Least + 15))
	if !said(l.entries[from:], "the engine switches by itself again: of its last 40 forecasts") {
		t.Error("the journal does not say that trust is back")
	}
	if w.Policy == "least-request" {
		t.Error("trust is back, and nothing is done")
	}
}

// TestAWordGivesTrust: what somebody says goes before the score.
func TestAWordGivesTrust(t *testing.T) {
	simulated(t)
	l := newLoop(scenario("homog", 1), "least-request", decide.Options{Evaluate: 2 * time.Second, Margin: 0.2, Distort: func(all []decide.Candidate) {
		all[0].Scale(0.2)
	}})
	l.run(2 * (trust.Least + 3))
	l.j.Forgive()
	l.run(2)
	if f := l.entries[len(l.entries)-1].Evidence.Forecasts; f.Distrusted {
		t.Errorf("trust was given, and is not there: %+v", f)
	}
}

func said(all []decide.Decision, what string) bool {
	for _, d := range all {
		if strings.Contains(d.Text, what) {
			return true
		}
	}
	return false
}
