package record

import (
	"math/bits"
	"sync/atomic"

	"poise/internal/lb"
)

// RingSize is a ring's usual length: what 10,000 attempts a second fill in 800
// milliseconds, eight times as long as the engine lets it wait.
const RingSize = 8192

// Ring hands records from many writers to one reader. It is bounded, takes no
// lock, and forgets the oldest: nobody on the request path ever waits for the
// engine. What the reader did not get is counted.
//
// Each place belongs to whoever has made its stamp odd, so a record is written
// and read by one at a time and plain memory does. A writer that finds its
// place taken, by a reader or by a writer that was overtaken by a whole round,
// lets its record go.
type Ring struct {
	slots []slot
	_     [64]byte
	head  atomic.Uint64 // number of the next record
	_     [64]byte

	// The reader's own.
	tail    uint64 // number of the next record to read
	awaited bool   // the record tail was not there the last time
}

// slot is one cache line.
type slot struct {
	stamp  atomic.Uint64 // 2(n+1) with record n in it, odd while somebody is at it
	record lb.Record
	_      [8]byte
}

// NewRing returns a ring for at least size records.
func NewRing(size int) *Ring {
	return &Ring{slots: make([]slot, 1<<bits.Len(uint(max(size, 2)-1)))}
}

func (r *Ring) slot(n uint64) *slot { return &r.slots[n&uint64(len(r.slots)-1)] }

// Append adds a record. Any number of goroutines may call it at once.
func (r *Ring) Append(record *lb.Record) {
	n := r.head.Add(1) - 1
	s := r.slot(n)
	whole := 2 * (n + 1)
	was := s.stamp.Load()
	if was&1 != 0 || was > whole || !s.stamp.CompareAndSwap(was, whole-1) {
		return
	}
	s.record = *record
	s.stamp.Store(whole)
}

// Drain moves records into into, oldest first, and returns how many, and how
// many the reader missed for good since the last call. One goroutine at a time
// may call it.
func (r *Ring) Drain(into []lb.Record) (n int, lost uint64) {
	head := r.head.Load()
	if size := uint64(len(r.slots)); head-r.tail > size {
		lost = head - size - r.tail
		r.tail, r.awaited = head-size, false
	}
	for r.tail != head && n < len(into) {
		switch r.take(&into[n]) {
		case taken:
			n++
		case missed:
			lost++
		case awaited:
			return n, lost
		}
		r.tail, r.awaited = r.tail+1, false
	}
	return n, lost
}

// fate is what became of a record.
type fate uint8

const (
	taken   fate = iota
	missed       // overwritten, or never written
	awaited      // its writer is still at it
)

// take reads the record at the tail. One that is not there yet is waited for
// until the next drain, and no longer: its writer may have let it go.
func (r *Ring) take(into *lb.Record) fate {
	s := r.slot(r.tail)
	whole := 2 * (r.tail + 1)
	stamp := s.stamp.Load()
	switch {
	case stamp > whole:
		return missed
	case stamp < whole && !r.awaited:
		r.awaited = true
		return awaited
	case stamp < whole:
		return missed
	case !s.stamp.CompareAndSwap(whole, whole-1):
		return missed
	}
	*into = s.record
	s.stamp.Store(whole)
	return taken
}
