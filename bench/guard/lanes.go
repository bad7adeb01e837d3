package guard

import (
	"cmp"
	"context"
	"slices"
	"time"

	"poise/bench/rig"
)

// weight is how many lanes a run takes: how many usual runs keep the cores as
// busy as it does at its worst, by its highest rate, and one more where all are slow:
// what waits has connections of its own, which are opened and closed. Other
// faults weigh nothing, as what fails costs less than what is served; nor do
// answers of 1 MiB, as few as they are. Of the others HAProxy alone takes twice
// the CPU when one resets; it may have to be taken again alone.
func (s *Scenario) weight() int {
	n := rig.Lanes(s.Rate + s.Fault.Extra)
	if s.Fault.Workers == workers && s.Open == waiting {
		n++
	}
	return n
}

// weight of a run that has so many lanes at most: what weighs more takes all,
// and runs alone.
func (k Key) weight(lanes int) int { return min(scenario(k.Figure).weight(), lanes) }

// inLanes takes runs beside each other, as many as the lanes hold, and begins
// them in order: none overtakes one that waits for more room than there is.
// What was taken is kept by one at a time. When ctx is done it begins no more,
// and returns when all that were begun have ended.
func inLanes(ctx context.Context, lanes int, keys []Key, take func(Key) *Cell, keep func(*Cell)) {
	ended := make(chan *Cell)
	free := lanes
	collect := func() {
		c := <-ended
		free += c.Key.weight(lanes)
		keep(c)
	}
	for _, k := range keys {
		for free < k.weight(lanes) {
			collect()
		}
		if ctx.Err() != nil {
			break
		}
		free -= k.weight(lanes)
		go func() { ended <- take(k) }()
	}
	for free < lanes {
		collect()
	}
}

// span is about how long inLanes takes.
func span(lanes int, keys []Key) (now time.Duration) {
	type run struct {
		end    time.Duration
		weight int
	}
	var underway []run // by when they end
	free := lanes
	for _, k := range keys {
		for free < k.weight(lanes) {
			now = underway[0].end
			free += underway[0].weight
			underway = underway[1:]
		}
		r := run{now + cost(k), k.weight(lanes)}
		free -= r.weight
		at, _ := slices.BinarySearchFunc(underway, r, func(a, b run) int { return cmp.Compare(a.end, b.end) })
		underway = slices.Insert(underway, at, r)
	}
	if n := len(underway); n > 0 {
		now = underway[n-1].end
	}
	return now
}
