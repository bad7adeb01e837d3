package record

import (
	"math/bits"
	"sync/atomic"

	"poise/internal/lb"
	"poise/internal/stats"
)

// RingSize is a ring's usual length: what 10,000 attempts a second fill in 800
// milliseconds, eight times as long as the engine lets it wait; 200 when all
// go to one endpoint.
const RingSize = 8192

const (
	// lanes keep writers on several cores apart: the records of an endpoint go
	// into the lane of its number. Two attempts at one endpoint that end at once
	// meet at its counters anyway.
	lanes = 4
	// batch is how many records the reader takes out of a lane at once.
	batch = 64
	// patience is how often the reader tries a lane that somebody is at. A writer
	// needs a few nanoseconds; one that was set aside meanwhile may need longer
	// than is to be waited for.
	patience = 64
)

// Ring hands records from many writers to one reader. It is bounded and
// forgets the oldest. A writer never waits: where a lane is taken it goes to
// the next one, and where all are it lets its record go. What the reader did
// not get is counted.
type Ring struct {
	lanes [lanes]lane
	gone  atomic.Uint64 // records that found every lane taken
}

// NewRing returns a ring for about size records.
func NewRing(size int) *Ring {
	r := &Ring{}
	for i := range r.lanes {
		r.lanes[i].records = make([]lb.Record, 1<<bits.Len(uint(max(size/lanes, 2)-1)))
	}
	return r
}

// Append adds a record. Any number of goroutines may call it at once.
func (r *Ring) Append(record *lb.Record) {
	for i := range uint32(lanes) {
		if r.lanes[(record.Endpoint+i)%lanes].append(record) {
			return
		}
	}
	r.gone.Add(1)
}

// Drain moves records into into, in the order of their end as far as they came
// in it, and returns how many, and how many the reader missed for good since
// the last call. One goroutine at a time may call it.
func (r *Ring) Drain(into []lb.Record) (n int, lost uint64) {
	lost = r.gone.Swap(0)
	var left [lanes]uint64 // that were there when it began: writers must not keep it here
	for i := range r.lanes {
		there, skipped := r.lanes[i].look()
		left[i] = there
		lost += skipped
	}
	for n < len(into) {
		first, earliest := -1, stats.Instant(0)
		for i := range r.lanes {
			l := &r.lanes[i]
			if len(l.next) == 0 && left[i] > 0 {
				skipped := l.fetch(left[i])
				lost += skipped
				left[i] -= min(skipped+uint64(len(l.next)), left[i])
			}
			if len(l.next) == 0 {
				left[i] = 0 // somebody is at it: the next drain has what is there
				continue
			}
			if end := l.next[0].End(); first < 0 || end < earliest {
				first, earliest = i, end
			}
		}
		if first < 0 {
			break
		}
		l := &r.lanes[first]
		into[n], l.next = l.next[0], l.next[1:]
		n++
	}
	return n, lost
}

// lane is a ring of its own. It belongs to whoever has set taken, for the
// copying of one record or of one batch, so a record is never torn and plain
// memory does.
type lane struct {
	records []lb.Record
	_       [64]byte
	taken   atomic.Uint32
	head    uint64 // number of the next record
	_       [64]byte

	// The reader's own.
	tail  uint64      // number of the next record to read
	next  []lb.Record // those that were read and not handed out, of batch
	batch [batch]lb.Record
}

func (l *lane) append(record *lb.Record) bool {
	if !l.taken.CompareAndSwap(0, 1) {
		return false
	}
	l.records[l.head&uint64(len(l.records)-1)] = *record
	l.head++
	l.taken.Store(0)
	return true
}

// take makes the lane the reader's.
func (l *lane) take() bool {
	for range patience {
		if l.taken.CompareAndSwap(0, 1) {
			return true
		}
	}
	return false
}

// look returns how many records are there to read, and how many were
// overwritten since the last time.
func (l *lane) look() (there, skipped uint64) {
	if !l.take() {
		return 0, 0
	}
	defer l.taken.Store(0)
	skipped = l.skip()
	return l.head - l.tail, skipped
}

// skip steps over what was overwritten. The caller has taken the lane.
func (l *lane) skip() (skipped uint64) {
	if size := uint64(len(l.records)); l.head-l.tail > size {
		skipped = l.head - size - l.tail
		l.tail = l.head - size
	}
	return skipped
}

// fetch reads the next records, most at most, into next.
func (l *lane) fetch(most uint64) (skipped uint64) {
	if !l.take() {
		return 0
	}
	defer l.taken.Store(0)
	skipped = l.skip()
	n := min(l.head-l.tail, most-min(skipped, most), uint64(len(l.batch)))
	at := l.tail & uint64(len(l.records)-1)
	copied := copy(l.batch[:n], l.records[at:])
	copy(l.batch[copied:n], l.records)
	l.tail += n
	l.next = l.batch[:n]
	return skipped
}
