package bench

import (
	"iter"
	"slices"
	"time"

	"poise/internal/lab/cells"
	"poise/internal/lab/rig"
	"poise/internal/scenario"
)

// work is how runs come about, but for which and by whom.
func (o *Options) work() cells.Work[Key] {
	return cells.Work[Key]{
		Cost: func(Key) time.Duration { return o.cost() }, Weight: o.weight, Room: float64(o.Lanes), Budget: o.Size.Budget,
	}
}

// steps is how often runs begin in so many rounds: those that fit beside each
// other do together.
func (o *Options) steps(rounds int) int {
	w := o.work()
	return len(w.Steps(o.planOf(rounds)))
}

// takes is about how long so many rounds take.
func (o *Options) takes(rounds int) time.Duration { return time.Duration(o.steps(rounds)) * o.cost() }

// weight is how many lanes a run takes.
func (o *Options) weight(k Key) float64 {
	return lanesOf(o.scenario(k.Scenario)) * float64(o.subject(k.Subject).weight())
}

// lanesOf is how many lanes a scenario takes at its worst: by its highest rate,
// that within a burst, and one more when more comes than all endpoints can do, as
// what waits has connections of its own, which are opened and closed. Some policies let
// requests wait in others too; those runs may have to be taken again alone.
func lanesOf(sc *scenario.Scenario) (most float64) {
	for now := range moments(sc) {
		rate := now.Arrivals.Rate
		if now.Arrivals.Process == scenario.Bursts {
			rate *= max(1, now.Arrivals.High)
		}
		lanes := rig.Share(rate)
		if now.Arrivals.Rate > now.Capacity() {
			lanes++
		}
		most = max(most, lanes)
	}
	return most
}

// moments are what a scenario is like at first and after each moment in which
// something happens, valid until the next.
func moments(sc *scenario.Scenario) iter.Seq[*scenario.Scenario] {
	return func(yield func(*scenario.Scenario) bool) {
		now := *sc
		now.Endpoints = slices.Clone(sc.Endpoints)
		at := time.Duration(0)
		for _, e := range sc.Events {
			if e.At > at && !yield(&now) {
				return
			}
			at = e.At
			switch {
			case e.Settings != nil:
				now.Endpoints[e.Endpoint].Settings = *e.Settings
			case e.Arrivals != nil:
				now.Arrivals = *e.Arrivals
			case e.Keys != nil:
				now.Keys = *e.Keys
			}
		}
		yield(&now)
	}
}
