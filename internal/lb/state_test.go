package lb

import (
	"testing"
	"time"
)

func TestStateRestoresEverything(t *testing.T) {
	l := &Live{}
	l.Begin()
	l.Observe(answered(0, 10*time.Millisecond, 0))
	l.Observe(Observation{End: at(time.Second), Outcome: Reset})
	l.SetLearnt(Learnt{Service: 20 * time.Millisecond, Capacity: 4, Failing: 0.1, Better: true})
	other := &Live{}
	other.SetState(l.State())
	if got, want := other.State(), l.State(); got != want {
		t.Errorf("restored %+v; want %+v", got, want)
	}
	if got, want := other.Learnt(), l.Learnt(); got != want {
		t.Errorf("learnt %+v; want %+v", got, want)
	}
}

func TestFloorRaisesWhatDecayedAndLeavesTheRest(t *testing.T) {
	var idle, busy, unknown Estimates
	idle.Observe(answered(0, 20*time.Millisecond, 0))
	busy.Observe(answered(time.Minute, 50*time.Millisecond, 3))
	now := at(time.Minute)
	for _, e := range []*Estimates{&idle, &busy, &unknown} {
		e.Floor(now, 10*time.Millisecond)
	}
	if v, _ := idle.Peak(now); !near(v, 0.010) {
		t.Errorf("idle: peak %g s; want 0.010", v)
	}
	if v, _ := idle.LatencyAt(now, 0); !near(v, 0.010) {
		t.Errorf("idle: latency %g s; want 0.010", v)
	}
	if v, _ := busy.Peak(now); !near(v, 0.050) {
		t.Errorf("busy: peak %g s; want 0.050 as it was", v)
	}
	if _, known := unknown.LatencyAt(now, 0); known {
		t.Error("an endpoint that nobody knows must stay unknown")
	}
}
