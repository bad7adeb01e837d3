package decide

import (
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// tally counts all that came since the last evaluation: the window that is
// replayed may be shorter, and what the guard put right within a second must
// not be missed.
type tally struct {
	From      stats.Instant     `json:"from"`     // when it began
	Arrivals  map[int64]int     `json:"arrivals"` // by the tenth of a second in which they were sent
	Endpoints map[uint32]*count `json:"endpoints"`
}

type count struct {
	Attempts int `json:"attempts"`
	Failures int `json:"failures"`
}

const (
	tenth     = stats.Instant(100 * time.Millisecond)
	mostSlots = 4096 // of the tally; a clock that jumps about must not fill memory
)

func (t *tally) add(records []lb.Record) {
	if t.Arrivals == nil {
		t.Arrivals, t.Endpoints = map[int64]int{}, map[uint32]*count{}
	}
	var recent recentSlots
	for i := range records {
		r := &records[i]
		if r.Arrival() {
			recent.add(t, int64(r.Sent/tenth))
		}
		c := t.Endpoints[r.Endpoint]
		if c == nil {
			if len(t.Endpoints) >= mostRecords {
				continue
			}
			c = &count{}
			t.Endpoints[r.Endpoint] = c
		}
		c.Attempts++
		if r.Outcome.Failed() {
			c.Failures++
		}
	}
	recent.flush(t)
}

// recentSlots counts arrivals of a few tenths of a second before they go into
// the map: nearly all that end at a time began within a few of them.
type recentSlots [8]struct {
	slot int64
	n    int
}

func (r *recentSlots) add(t *tally, slot int64) {
	s := &r[uint64(slot)%uint64(len(r))]
	if s.slot != slot {
		t.arrived(s.slot, s.n)
		s.slot, s.n = slot, 0
	}
	s.n++
}

func (r *recentSlots) flush(t *tally) {
	for i := range r {
		t.arrived(r[i].slot, r[i].n)
	}
}

func (t *tally) arrived(slot int64, n int) {
	if n > 0 && (len(t.Arrivals) < mostSlots || t.Arrivals[slot] > 0) {
		t.Arrivals[slot] += n
	}
}

// flow returns requests a second and the variance over the mean of their
// number in tenths of a second, over those tenths of which everything is
// known: not the first ones, nor the last. The silence before the first request
// is no part of it: a start is no burst.
func (t *tally) flow(from, to stats.Instant) (rate, bursty float64) {
	first, last := int64(from/tenth)+1, int64(to/tenth)-1
	for first < last && last-first <= mostSlots && t.Arrivals[first] == 0 {
		first++
	}
	if last-first < 10 || last-first > mostSlots {
		return 0, 0
	}
	var n, sum, squares float64
	for s := first; s <= last; s++ {
		v := float64(t.Arrivals[s])
		n++
		sum += v
		squares += v * v
	}
	mean := sum / n
	if mean == 0 {
		return 0, 0
	}
	return mean * 10, (squares/n - mean*mean) / mean
}
