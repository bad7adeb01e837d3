package record

import (
	"math/bits"
	"sync/atomic"

	"poise/internal/lb"
)

// RingSize is a ring's usual length: what 10,000 attempts a second fill in 800
// milliseconds, eight times as long as the engine lets it wait; 200 when all
// go to one endpoint.
const RingSize = 8192

// lanes keep writers on several cores apart: the records of an endpoint go
// into the lane of its number. Two attempts at one endpoint that end at once
// meet at its counters anyway.
const lanes = 4

// Ring hands records from many writers to one reader. It is bounded, takes no
// lock, and forgets the oldest: nobody on the request path ever waits for the
// engine. What the reader did not get is counted.
type Ring struct{ lanes [lanes]lane }

// NewRing returns a ring for about size records.
func NewRing(size int) *Ring {
	r := &Ring{}
	for i := range r.lanes {
		r.lanes[i].slots = make([]slot, 1<<bits.Len(uint(max(size/lanes, 2)-1)))
	}
	return r
}

// Append adds a record. Any number of goroutines may call it at once.
func (r *Ring) Append(record *lb.Record) { r.lanes[record.Endpoint%lanes].append(record) }

// Drain moves records into into, in the order of their end as far as they came
// in it, and returns how many, and how many the reader missed for good since
// the last call. One goroutine at a time may call it.
func (r *Ring) Drain(into []lb.Record) (n int, lost uint64) {
	var left [lanes]uint64 // that were there when it began: writers must not keep it here
	for i := range r.lanes {
		skipped, there := r.lanes[i].begin()
		left[i] = there
		lost += skipped
	}
	for n < len(into) {
		first := -1
		for i := range r.lanes {
			l := &r.lanes[i]
			for !l.ready && left[i] > 0 {
				left[i]--
				switch l.take() {
				case missed:
					lost++
				case awaited:
					left[i] = 0
				}
			}
			if l.ready && (first < 0 || l.next.End() < r.lanes[first].next.End()) {
				first = i
			}
		}
		if first < 0 {
			break
		}
		into[n], r.lanes[first].ready = r.lanes[first].next, false
		n++
	}
	return n, lost
}

// lane is a ring of its own.
//
// Each place belongs to whoever has made its stamp odd, so a record is written
// and read by one at a time and plain memory does. A writer that finds its
// place taken, by the reader or by a writer that was overtaken by a whole
// round, lets its record go.
type lane struct {
	slots []slot
	_     [64]byte
	head  atomic.Uint64 // number of the next record
	_     [64]byte

	// The reader's own.
	tail    uint64 // number of the next record to read
	awaited bool   // the record tail was not there the last time
	ready   bool   // next is one that was read and not handed out
	next    lb.Record
}

// slot is one cache line.
type slot struct {
	stamp  atomic.Uint64 // 2(n+1) with record n in it, odd while somebody is at it
	record lb.Record
	_      [8]byte
}

func (l *lane) slot(n uint64) *slot { return &l.slots[n&uint64(len(l.slots)-1)] }

func (l *lane) append(record *lb.Record) {
	n := l.head.Add(1) - 1
	s := l.slot(n)
	whole := 2 * (n + 1)
	was := s.stamp.Load()
	if was&1 != 0 || was > whole || !s.stamp.CompareAndSwap(was, whole-1) {
		return
	}
	s.record = *record
	s.stamp.Store(whole)
}

// begin steps over what was overwritten, and returns how many that were and
// how many are there.
func (l *lane) begin() (skipped, there uint64) {
	head := l.head.Load()
	if size := uint64(len(l.slots)); head-l.tail > size {
		skipped = head - size - l.tail
		l.tail, l.awaited = head-size, false
	}
	return skipped, head - l.tail
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
func (l *lane) take() fate {
	s := l.slot(l.tail)
	whole := 2 * (l.tail + 1)
	stamp := s.stamp.Load()
	if stamp < whole && !l.awaited {
		l.awaited = true
		return awaited
	}
	l.tail, l.awaited = l.tail+1, false
	if stamp != whole || !s.stamp.CompareAndSwap(whole, whole-1) {
		return missed
	}
	l.next, l.ready = s.record, true
	s.stamp.Store(whole)
	return taken
}
