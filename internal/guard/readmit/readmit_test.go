package readmit

import (
	"math"
	"testing"
	"time"

	"poise/internal/stats"
)

func TestFactorIsEnvoysSlowStart(t *testing.T) {
	for _, row := range []struct {
		name             string
		part, aggression float64
		want             float64
	}{
		{"it begins at a tenth", 0, 1, 0.1},
		{"and stays there until the line reaches it", 0.05, 1, 0.1},
		{"half way is half", 0.5, 1, 0.5},
		{"zero aggression is linear", 0.5, 0, 0.5},
		{"aggression makes it steeper", 0.25, 2, 0.5},
		{"the end is all", 1, 1, 1},
		{"and no more than all", 1.5, 1, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Factor(row.part, row.aggression); math.Abs(got-row.want) > 1e-9 {
				t.Errorf("Factor(%g, %g) = %g; want %g", row.part, row.aggression, got, row.want)
			}
		})
	}
}

func TestPaceLetsThroughAtItsRateAndNoFaster(t *testing.T) {
	var p Pace
	p.Set(0.1, 50)
	now, got := stats.Instant(time.Hour), 0
	for range 10_000 { // a thousand a second ask for ten seconds
		now = now.Add(time.Millisecond)
		if p.Take(now) {
			got++
		}
	}
	if got < 490 || got > 502 {
		t.Errorf("%d picks in ten seconds; want 500", got)
	}
	p.Set(1, 0)
	if first, second := p.Take(now), p.Take(now); !first || !second {
		t.Error("with no rate nothing is held back")
	}
}

func TestOneTrialAtATime(t *testing.T) {
	var trials Trials
	if !trials.Begin(2) || trials.Begin(2) {
		t.Fatal("the first trial begins, and no other while it goes on")
	}
	first, _, state := trials.Read()
	if state != Busy {
		t.Errorf("a trial goes on, and the state is %d", state)
	}
	trials.Clear() // ejected anew
	if trials.End(first, Won) {
		t.Error("a trial of before counts")
	}
	for range 2 {
		if !trials.Begin(2) {
			t.Fatal("it does not begin")
		}
		n, _, _ := trials.Read()
		if !trials.End(n, Won) || trials.End(n, Won) {
			t.Error("a trial ends once")
		}
	}
	if _, won, state := trials.Read(); won != 2 || state != Idle || trials.Begin(2) {
		t.Errorf("%d won, state %d; want two, and no more trials", won, state)
	}
	trials.Clear()
	trials.Begin(2)
	n, won, _ := trials.Read()
	trials.End(n, Lost)
	if _, _, state := trials.Read(); won != 0 || state != Failed || trials.Begin(2) {
		t.Errorf("%d won before, state %d; want none, failed, and no other trial until somebody acts", won, state)
	}
}
