package guard

import (
	"testing"
	"time"

	"poise/internal/guard/admit"
	"poise/internal/guard/journal"
)

func TestSheddingIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	f := newFleet(1, Options{})
	turnAway := func(n int) {
		for range n {
			f.queue.Push(&admit.Waiter{}, f.now) // no queue: refused
		}
	}
	f.Tick(f.now)
	f.actions()
	for range 3 { // pauses that are short
		turnAway(5)
		f.pass(time.Second)
	}
	f.pass(2 * shedQuiet)
	turnAway(1)
	f.pass(2 * shedQuiet)
	a := f.actions()
	if len(a) != 4 || a[0].Kind != journal.ShedOn || a[1].Kind != journal.ShedOff || a[1].Evidence.Shed != 15 || a[2].Kind != journal.ShedOn || a[3].Evidence.Shed != 1 {
		t.Errorf("did %+v; want fifteen turned away, and one", a)
	}
}

func TestAnEnforcedLimitIsToldWhenItChangesByAFifth(t *testing.T) {
	f := newFleet(1, Options{Concurrency: Enforce})
	e := of(f.endpoints[0])
	f.actions()
	for _, limit := range []int{20, 22, 23, 24, 40, 41, 30} {
		e.proposed = limit
		f.pass(2 * tellAgain)
	}
	e.proposed = 60
	f.pass(limitsEvery)
	e.proposed = 90 // soon after: told later
	f.pass(limitsEvery)
	var told []int
	for _, a := range f.actions() {
		if a.Kind == journal.Limit {
			told = append(told, a.Evidence.From, a.Evidence.To)
		}
	}
	want := []int{20, 24, 24, 40, 40, 30, 30, 60}
	if len(told) != len(want) {
		t.Fatalf("told %v; want %v", told, want)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Fatalf("told %v; want %v", told, want)
		}
	}
}

func TestEveryPhaseHasAName(t *testing.T) {
	for p := Serving; p <= Ejected; p++ {
		if p.String() == "" {
			t.Errorf("phase %d has no name", p)
		}
	}
}
