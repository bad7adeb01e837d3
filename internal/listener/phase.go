package listener

import (
	"sync/atomic"
	"time"
)

// phase is what a connection is waiting for.
type phase uint64

const (
	serving   phase = iota // not the client
	waiting                // the first byte of a request
	heading                // the rest of a head
	inBody                 // more of a body
	lingering              // the client to close
	tunneling              // bytes of a tunnel; the proxy bounds it
	writing                // the client to take an answer
	parked                 // the first byte of a request, without a goroutine
)

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 32 << 20

	phaseMask = 0b111
	firedBit  = 0b1000
	askedBit  = 0b10000 // to park, with firedBit
	sinceBits = 5
)

// phaseClock holds a phase, since when, and whether the sweep has ended it:
// one word, so that a request pays one store to say where it is.
type phaseClock struct{ word atomic.Uint64 }

func (c *phaseClock) phase() phase  { return phase(c.word.Load() & phaseMask) }
func (c *phaseClock) expired() bool { return c.word.Load()&firedBit != 0 }

// enter begins a phase and reports whether the one before had been ended.
func (c *phaseClock) enter(p phase, millis int64) (ended bool) {
	return c.word.Swap(uint64(millis)<<sinceBits|uint64(p))&firedBit != 0
}

// expire ends a phase that lasts longer than its limit allows; a limit of 0
// means never. It reports whether it did so now.
func (c *phaseClock) expire(millis int64, limit func(phase) time.Duration) bool {
	w := c.word.Load()
	if w&firedBit != 0 {
		return false
	}
	d := limit(phase(w & phaseMask)).Milliseconds()
	if d == 0 || millis-int64(w>>sinceBits) <= d {
		return false
	}
	return c.word.CompareAndSwap(w, w|firedBit)
}

// lasts returns how long the phase has lasted, in milliseconds.
func (c *phaseClock) lasts(millis int64) int64 { return millis - int64(c.word.Load()>>sinceBits) }

// idle reports whether the phase is a wait for the next request.
func (c *phaseClock) idle() bool {
	return isIdle(c.word.Load())
}

func isIdle(word uint64) bool {
	p := phase(word & phaseMask)
	return p == waiting || p == parked
}

// ask ends a wait for the next request that has lasted so long already, so
// that it goes on without a goroutine. It reports whether it did so now.
func (c *phaseClock) ask(millis int64, after time.Duration) bool {
	w := c.word.Load()
	if w&(phaseMask|firedBit) != uint64(waiting) || millis-int64(w>>sinceBits) < after.Milliseconds() {
		return false
	}
	return c.word.CompareAndSwap(w, w|firedBit|askedBit)
}

// park makes a wait one without a goroutine, if it was asked to be and not
// ended since. It has lasted as long as before.
func (c *phaseClock) park() bool {
	w := c.word.Load()
	return w&askedBit != 0 && c.word.CompareAndSwap(w, w&^(phaseMask|firedBit|askedBit)|uint64(parked))
}

// unpark makes it an ordinary wait, and reports whether it was ended.
func (c *phaseClock) unpark() (ended bool) {
	for {
		w := c.word.Load()
		if c.word.CompareAndSwap(w, w&^phaseMask|uint64(waiting)) {
			return w&firedBit != 0
		}
	}
}

// end ends a wait for the next request, one that was asked to park included.
func (c *phaseClock) end() bool {
	w := c.word.Load()
	return isIdle(w) && c.word.CompareAndSwap(w, w&^askedBit|firedBit)
}
