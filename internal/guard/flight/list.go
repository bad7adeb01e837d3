package flight

import (
	"math/bits"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// List is the attempts under way at one endpoint. Its zero value works.
type List struct {
	answered atomic.Uint32 // millisecond of the last answer's head
	first    chunk
}

// Heard notes that an answer came.
func (l *List) Heard(now stats.Instant) {
	if s := stamp(now); l.answered.Load() != s { // a line that is only read does not move between cores
		l.answered.Store(s)
	}
}

// LastAnswer is the millisecond of the last answer, to be compared with others.
func (l *List) LastAnswer() uint32 { return l.answered.Load() }

// Quiet is how long ago the last answer came.
func (l *List) Quiet(now stats.Instant) time.Duration { return ageOf(l.answered.Load(), now) }

// Each calls f with every attempt under way. An attempt that begins or ends
// meanwhile may be missed, or be over when f sees it: what f does it does by
// Word.Take, which compares.
func (l *List) Each(f func(t *Ticket, w Word)) { l.first.each(f) }

// Waiting is how many wait for an answer.
func (l *List) Waiting() (n int) {
	l.Each(func(_ *Ticket, w Word) {
		if w.Waits() {
			n++
		}
	})
	return n
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

func (c *chunk) each(f func(t *Ticket, w Word)) {
	for ; c != nil; c = c.next.Load() {
		for used := c.used.Load(); used != 0; used &= used - 1 {
			slot := &c.slots[bits.TrailingZeros64(used)]
			t := slot.Load()
			if t == nil {
				continue
			}
			if w := t.word.Load(); w&markOpen != 0 && slot.Load() == t {
				f(t, Word(w))
			}
		}
	}
}
