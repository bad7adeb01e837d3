// Package flight keeps the attempts under way at an endpoint, without a lock:
// who waits for an answer and for how long, which of them can be sent elsewhere,
// and how long is too long.
package flight

import (
	"math"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Ticket stands for one attempt under way. Whoever makes attempts keeps it and
// uses it again for the next, so that an attempt allocates nothing. All
// methods but Taken and Sent are for the owner alone.
type Ticket struct {
	// Take is called with no lock held when the attempt is taken back. It must
	// not block, and it may come late: it does nothing unless Taken says, under
	// the owner's own lock, that the attempt under way is the one.
	Take func()

	// word is the attempt in one: when its wait began in milliseconds (32 bits),
	// its number (27) and its marks.
	word atomic.Uint64

	usual atomic.Pointer[Usual] // of its route; read by the tick
	at    *List
	chunk *chunk
	slot  int
}

const (
	markOpen       = 1 << iota // under way
	markWaiting                // sent whole, and no answer's head yet
	markReplayable             // may be sent elsewhere
	markTaken                  // was taken back
	markTrial
	markBits = iota

	numberShift = markBits
	numberMask  = 1<<(32-markBits) - 1
	stampShift  = 32
)

// Word is an attempt as it was at one moment.
type Word uint64

// Waits reports whether it is sent whole, and has no answer's head yet.
func (w Word) Waits() bool { return w&markWaiting != 0 }

// Taken reports whether it was taken back.
func (w Word) Taken() bool { return w&markTaken != 0 }

// Trial reports whether it is to find out whether its endpoint is back.
func (w Word) Trial() bool { return w&markTrial != 0 }

// Age is how long it waits.
func (w Word) Age(now stats.Instant) time.Duration { return ageOf(uint32(w>>stampShift), now) }

// Take marks an attempt as taken back, unless it has changed since it was seen
// as w.
func (w Word) Take(t *Ticket) bool {
	return t.word.CompareAndSwap(uint64(w), uint64(w|markTaken))
}

// Movable reports whether it waits, may be sent elsewhere and was not yet.
func (w Word) Movable() bool {
	const marks = markWaiting | markReplayable
	return w&(marks|markTaken) == marks
}

// stamp is the millisecond of an instant. It wraps after 49 days; ages, which
// are differences, do not mind.
func stamp(now stats.Instant) uint32 { return uint32(now / stats.Instant(time.Millisecond)) }

// ageOf is how long ago a stamp was. The last minute before the wrap is taken
// for what a race makes of it, a stamp from a moment ahead.
func ageOf(then uint32, now stats.Instant) time.Duration {
	ms := stamp(now) - then
	if ms > math.MaxUint32-60_000 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// Attempt says what an attempt is that begins.
type Attempt struct {
	Now        stats.Instant
	Trial      bool   // of an ejected endpoint
	Replayable bool   // idempotent and held whole: may be sent elsewhere
	Uploading  bool   // the client is still sending; Ticket.Sent will follow
	Usual      *Usual // of its route; nil when nothing is known of it
}

// Begin lists an attempt. End follows exactly once, whatever happens.
func (l *List) Begin(t *Ticket, a Attempt) {
	t.at = l
	if t.usual.Load() != a.Usual {
		t.usual.Store(a.Usual)
	}
	marks := uint64(markOpen)
	if !a.Uploading {
		marks |= markWaiting
	}
	if a.Replayable {
		marks |= markReplayable
	}
	if a.Trial {
		marks |= markTrial
	}
	number := (t.word.Load()>>numberShift + 1) & numberMask
	t.word.Store(uint64(stamp(a.Now))<<stampShift | number<<numberShift | marks)
	l.first.claim(t)
}

// End takes an attempt off the list, and returns what it was. Its latency is 0
// when there was no answer's head.
func (l *List) End(t *Ticket, latency time.Duration) Word {
	w := t.word.Load()
	t.word.Store(w &^ (markOpen | markWaiting | markTaken))
	t.chunk.release(t.slot)
	t.at, t.chunk = nil, nil
	if u := t.usual.Load(); u != nil && latency > 0 && w&markTaken == 0 {
		u.Observe(latency)
	}
	return Word(w)
}

// Sent says that the client's body is sent whole, so that the wait for the
// endpoint begins. It may be called by another goroutine than the owner's,
// but not after Close.
func (t *Ticket) Sent(now stats.Instant) {
	for {
		w := t.word.Load()
		if w&markOpen == 0 || w&markWaiting != 0 {
			return
		}
		next := uint64(stamp(now))<<stampShift | w&(1<<stampShift-1) | markWaiting
		if t.word.CompareAndSwap(w, next) {
			return
		}
	}
}

// Answered says that the answer's head is here. It reports whether the attempt
// is still the owner's: one that was taken back has its request elsewhere.
func (t *Ticket) Answered(now stats.Instant) bool {
	if t.at == nil {
		return true
	}
	t.at.Heard(now)
	for {
		w := t.word.Load()
		if w&markTaken != 0 {
			return false
		}
		if t.word.CompareAndSwap(w, w&^markWaiting) {
			return true
		}
	}
}

// Taken reports whether the attempt under way was taken back. It may be called
// by any goroutine.
func (t *Ticket) Taken() bool { return t.word.Load()&(markOpen|markTaken) == markOpen|markTaken }
