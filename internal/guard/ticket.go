package guard

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"poise/internal/lb"
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
	at    *Endpoint
	chunk *chunk
	slot  int
	trial uint64 // number of the trial; meaningful with markTrial
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

// Entry says what an attempt is that begins.
type Entry struct {
	Now        stats.Instant
	Flags      lb.Flags // with lb.Trial when Pick said so
	Replayable bool     // idempotent and held whole: may be sent elsewhere
	Uploading  bool     // the client is still sending; Ticket.Sent will follow
	Usual      *Usual   // of its route; nil when nothing is known of it
}

// Open counts an attempt at e in. Close follows exactly once, whatever
// happens.
func (g *Guard) Open(t *Ticket, e *lb.Endpoint, n Entry) {
	t.at = of(e)
	if t.at == nil {
		return
	}
	if t.usual.Load() != n.Usual {
		t.usual.Store(n.Usual)
	}
	marks := uint64(markOpen)
	if !n.Uploading {
		marks |= markWaiting
	}
	if n.Replayable {
		marks |= markReplayable
	}
	if n.Flags&lb.Trial != 0 {
		marks |= markTrial
		t.trial, _, _ = t.at.trials.read()
	}
	number := (t.word.Load()>>numberShift + 1) & numberMask
	t.word.Store(uint64(stamp(n.Now))<<stampShift | number<<numberShift | marks)
	t.at.open.claim(t)
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
	if s := stamp(now); t.at.answered.Load() != s {
		t.at.answered.Store(s)
	}
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

// End says how an attempt ended.
type End struct {
	Now     stats.Instant
	Latency time.Duration // 0 when there was no answer's head
	Outcome lb.Outcome
}

// Close counts the attempt out, and judges its endpoint when it failed. It
// reports whether the attempt was taken back: its request is sent elsewhere,
// and the budget was charged for that.
func (g *Guard) Close(t *Ticket, n End) (taken bool) {
	e := t.at
	if e == nil {
		return false
	}
	w := t.word.Load()
	t.word.Store(w &^ (markOpen | markWaiting | markTaken))
	t.chunk.release(t.slot)
	t.at, t.chunk = nil, nil
	if u := t.usual.Load(); u != nil && n.Latency > 0 && w&markTaken == 0 {
		u.times.Observe(n.Latency)
	}
	switch {
	case w&markTrial != 0:
		g.closeTrial(e, t.trial, n)
	case n.Outcome != lb.Canceled:
		failed := n.Outcome.Failed()
		e.add(n.Now, failed)
		if failed {
			g.judge(e, n.Now)
		}
	}
	if g.queue.Len() > 0 {
		g.queue.Next(n.Now)
	}
	return w&markTaken != 0
}

// chunk lists attempts under way, 64 at most, and knows the next one. A free
// place is found in one word, so listing takes no lock; a chunk is only made
// when more are under way than ever before.
type chunk struct {
	used  atomic.Uint64
	slots [64]atomic.Pointer[Ticket]
	next  atomic.Pointer[chunk]
}

// mostChunks bounds the list to 4096 attempts at an endpoint. Those beyond it
// are not seen by the stall guard.
const mostChunks = 64

func (c *chunk) claim(t *Ticket) {
	for range mostChunks {
		for used := c.used.Load(); used != ^uint64(0); used = c.used.Load() {
			slot := bits.TrailingZeros64(^used)
			if c.used.CompareAndSwap(used, used|1<<slot) {
				c.slots[slot].Store(t)
				t.chunk, t.slot = c, slot
				return
			}
		}
		next := c.next.Load()
		if next == nil {
			c.next.CompareAndSwap(nil, &chunk{})
			next = c.next.Load()
		}
		c = next
	}
	t.chunk = nil
}

func (c *chunk) release(slot int) {
	if c == nil {
		return
	}
	c.slots[slot].Store(nil) // before the place is free for another
	c.used.And(^(uint64(1) << slot))
}

// each calls f with every attempt under way and its word. An attempt that
// begins or ends meanwhile may be missed, or be over when f sees it: what f
// does it does by comparing the word.
func (c *chunk) each(f func(t *Ticket, word uint64)) {
	for ; c != nil; c = c.next.Load() {
		for used := c.used.Load(); used != 0; used &= used - 1 {
			slot := &c.slots[bits.TrailingZeros64(used)]
			t := slot.Load()
			if t == nil {
				continue
			}
			if w := t.word.Load(); w&markOpen != 0 && slot.Load() == t {
				f(t, w)
			}
		}
	}
}
