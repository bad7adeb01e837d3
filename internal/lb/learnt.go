package lb

import (
	"math"
	"sync/atomic"
	"time"
)

// Learnt is what package learn found out about an endpoint from the records
// of its attempts, as expected-delay reads it.
type Learnt struct {
	Service  time.Duration // time that one request takes when it does not wait; 0: nothing known yet
	Capacity float64       // requests that are worked on at once, at least 1; 0: nothing known yet
	Failing  float64       // share of failures beyond what is usual in the cluster, [0, 1)
	Better   bool          // the last answers look faster than Service says: worth a try sooner
}

// learnt holds a Learnt in two words, so that it is read and written without a
// lock. A reader may see the first word of one and the second of the next:
// speed and capacity, which belong together, share the first.
type learnt struct{ work, health atomic.Uint64 }

// Learnt returns what was learnt last.
func (l *Live) Learnt() Learnt {
	work, health := l.learnt.work.Load(), l.learnt.health.Load()
	return Learnt{
		Service:  time.Duration(float64(math.Float32frombits(uint32(work>>32))) * float64(time.Second)),
		Capacity: float64(math.Float32frombits(uint32(work))),
		Failing:  float64(math.Float32frombits(uint32(health >> 32))),
		Better:   health&1 != 0,
	}
}

// SetLearnt replaces what was learnt.
func (l *Live) SetLearnt(v Learnt) {
	better := uint64(0)
	if v.Better {
		better = 1
	}
	l.learnt.work.Store(uint64(math.Float32bits(float32(v.Service.Seconds())))<<32 | uint64(math.Float32bits(float32(v.Capacity))))
	l.learnt.health.Store(uint64(math.Float32bits(float32(v.Failing)))<<32 | better)
}

// Clone returns a copy that shares nothing with l: the estimates and what was
// learnt as they are now, and nothing under way. A replay starts from it.
func (l *Live) Clone() *Live {
	c := &Live{}
	c.peak.Store(l.peak.Load())
	c.failing.Store(l.failing.Load())
	c.latest.Store(l.latest.Load())
	for i := range l.byLoad {
		c.byLoad[i].Store(l.byLoad[i].Load())
	}
	c.learnt.work.Store(l.learnt.work.Load())
	c.learnt.health.Store(l.learnt.health.Load())
	return c
}
