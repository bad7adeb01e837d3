package lb

import (
	"math"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Learnt is what package learn found out about an endpoint from the records
// of its attempts, as expected-delay reads it.
type Learnt struct {
	Service  time.Duration // time that one request takes when it does not wait; 0: nothing known yet
	Capacity float64       // requests that are worked on at once, at least 1; 0: nothing known yet
	Failing  float64       // share of failures beyond what is usual in the cluster, [0, 1)
	Usual    float64       // share of failures that is usual in the cluster, [0, 1]
	Shown    bool          // Capacity was seen, at this endpoint or at the cluster as a whole, and is not only assumed
	Better   bool          // the last answers look faster than Service says: worth a try sooner
}

// learnt holds a Learnt in two words, so that it is read and written without a
// lock. A reader may see the first word of one and the second of the next:
// speed and capacity, which belong together, share the first.
type learnt struct{ work, health atomic.Uint64 }

// Learnt returns what was learnt last.
func (l *Live) Learnt() Learnt {
	service, capacity, shown := l.Work()
	health := l.learnt.health.Load()
	return Learnt{
		Service:  time.Duration(math.Round(service * float64(time.Second))),
		Capacity: capacity,
		Shown:    shown,
		Failing:  float64(math.Float32frombits(uint32(health >> 32))),
		Usual:    float64(uint16(health>>16)) / math.MaxUint16,
		Better:   health&1 != 0,
	}
}

// Work returns the part of Learnt that every pick reads: Service in seconds,
// Capacity and Shown.
func (l *Live) Work() (service, capacity float64, shown bool) {
	w := l.learnt.work.Load()
	return float64(math.Float32frombits(uint32(w >> 32))), float64(math.Float32frombits(uint32(w) &^ shownBit)), w&shownBit != 0
}

// shownBit is the sign of the capacity, which is never negative.
const shownBit = 1 << 31

// SetLearnt replaces what was learnt.
func (l *Live) SetLearnt(v Learnt) {
	rest := uint64(math.Round(min(max(v.Usual, 0), 1)*math.MaxUint16)) << 16
	if v.Better {
		rest |= 1
	}
	work := uint64(math.Float32bits(float32(v.Service.Seconds())))<<32 | uint64(math.Float32bits(float32(max(v.Capacity, 0))))
	if v.Shown {
		work |= shownBit
	}
	replace(&l.learnt.work, work)
	replace(&l.learnt.health, uint64(math.Float32bits(float32(v.Failing)))<<32|rest)
}

// replace leaves a word alone that says the same already: what many cores read
// stays in their caches.
func replace(word *atomic.Uint64, v uint64) {
	if word.Load() != v {
		word.Store(v)
	}
}

// Served returns how many requests the endpoint has served, as far as they
// were learnt from. It wraps.
func (l *Live) Served() uint32 { return l.served.Load() }

// SetServed replaces that number.
func (l *Live) SetServed(n uint32) { l.served.Store(n) }

// Chosen returns the millisecond that a policy last chose the endpoint in, as
// far as the policies note it; 0 for never.
func (l *Live) Chosen() uint32 { return l.chosen.Load() }

// Choose notes that the endpoint was chosen now. It reports whether it is the
// caller who moved the note on from what it was: of many who found it starved
// at once, one.
func (l *Live) Choose(was uint32, now stats.Instant) bool {
	s := stamp(now)
	return was != s && l.chosen.CompareAndSwap(was, s)
}

// SinceChosen is how long ago was was, a note of Chosen.
func SinceChosen(was uint32, now stats.Instant) time.Duration {
	_, age, _ := unpack(uint64(was), now)
	return age
}

// Clone returns a copy that shares nothing with l: the estimates and what was
// learnt as they are now, and nothing under way. A replay starts from it.
func (l *Live) Clone() *Live {
	c := &Live{}
	c.peak.Store(l.peak.Load())
	c.failing.Store(l.failing.Load())
	for i := range l.byLoad {
		c.byLoad[i].Store(l.byLoad[i].Load())
	}
	c.learnt.work.Store(l.learnt.work.Load())
	c.learnt.health.Store(l.learnt.health.Load())
	c.served.Store(l.served.Load())
	c.chosen.Store(l.chosen.Load())
	return c
}
