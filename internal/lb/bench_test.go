package lb

import (
	"sync/atomic"
	"testing"
)

// BenchmarkNeighbours counts attempts in and out on as many cores as -cpu
// says, each at an endpoint of its own: with the padding that keeps endpoints
// on lines of their own, and without.
func BenchmarkNeighbours(b *testing.B) {
	const most = 64
	b.Run("apart", func(b *testing.B) {
		var all [most]Live
		var next atomic.Int32
		b.RunParallel(func(pb *testing.PB) {
			l := &all[int(next.Add(1)-1)%most]
			for pb.Next() {
				l.Begin()
				l.End()
			}
		})
	})
	b.Run("together", func(b *testing.B) {
		var all [most]atomic.Int32
		var next atomic.Int32
		b.RunParallel(func(pb *testing.PB) {
			l := &all[int(next.Add(1)-1)%most]
			for pb.Next() {
				l.Add(1)
				l.Add(-1)
			}
		})
	})
}

// BenchmarkPickReads is what a pick reads of an endpoint while others are
// served by it: attempts on other cores write to it all the time.
func BenchmarkPickReads(b *testing.B) {
	var l Live
	l.SetLearnt(Learnt{Service: 1e7, Capacity: 4})
	var next atomic.Int32
	b.RunParallel(func(pb *testing.PB) {
		o := answered(0, 1e6, 3)
		for writes := next.Add(1)%2 == 0; pb.Next(); {
			if writes {
				o.End += 1e5
				l.Observe(o)
				continue
			}
			l.Work()
			l.Failing(o.End)
		}
	})
}
