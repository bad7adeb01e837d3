package flight

import (
	"time"

	"poise/internal/stats"
)

// Few have to wait very long, many a little less.
const (
	fewTimes      = 8
	manyTimes     = 4
	blindPatience = time.Second // while nothing is known of the others

	// LeastPatience is what an endpoint is given at least: a pause of a garbage
	// collector is shorter.
	LeastPatience = 250 * time.Millisecond
)

// Patience is how long few, and how long many, may wait for an answer, given
// the 99th percentile of the others.
func Patience(p99 time.Duration) (few, many time.Duration) {
	if p99 <= 0 {
		return blindPatience, blindPatience
	}
	return max(fewTimes*p99, LeastPatience), max(manyTimes*p99, LeastPatience)
}

// Waits is what one look at the attempts under way gives.
type Waits struct {
	Few, Many int // that wait longer than either patience
	Oldest    time.Duration
	Trial     bool          // one is a trial
	TrialAge  time.Duration // of that
}

// Look goes through the attempts that wait.
func (l *List) Look(now stats.Instant, few, many time.Duration) (v Waits) {
	l.Each(func(_ *Ticket, w Word) {
		if w.Trial() {
			v.Trial = true
		}
		if !w.Waits() || w.Taken() {
			return
		}
		age := w.Age(now)
		if w.Trial() {
			v.TrialAge = age
			return
		}
		v.Oldest = max(v.Oldest, age)
		if age >= few {
			v.Few++
		}
		if age >= many {
			v.Many++
		}
	})
	return v
}

// Alone returns how long the oldest waits of those that wait too long although
// they are fewer than a stall.
func (l *List) Alone(now stats.Instant) (oldest time.Duration) {
	quiet := l.Quiet(now)
	if quiet < leastAlone {
		return 0
	}
	l.Each(func(t *Ticket, w Word) {
		if age, yes := t.AloneFor(w, quiet, now); yes {
			oldest = max(oldest, age)
		}
	})
	return oldest
}

// AloneFor reports whether an attempt waits longer than it should at an
// endpoint of which nothing was heard for so long.
func (t *Ticket) AloneFor(w Word, quiet time.Duration, now stats.Instant) (age time.Duration, yes bool) {
	if !w.Movable() || w.Trial() {
		return 0, false
	}
	age = w.Age(now)
	if age < leastAlone || age > quiet { // an answer came since
		return age, false
	}
	patience, known := t.Patience()
	return age, known && age >= patience
}

// Patience is how long it may be alone in waiting, false when that is not
// known.
func (t *Ticket) Patience() (time.Duration, bool) { return t.usual.Load().patience() }
