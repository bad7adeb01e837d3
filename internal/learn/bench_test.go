package learn

import (
	"fmt"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// BenchmarkObserve takes in records of 100 endpoints, with keys and without.
func BenchmarkObserve(b *testing.B) {
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("keyed=%t", keyed), func(b *testing.B) {
			w := newWorld(100)
			dice := stats.NewDice(1)
			records := make([]lb.Record, 1<<16)
			for i := range records {
				records[i] = w.record(time.Duration(i)*100*time.Microsecond, dice.IntN(100), time.Duration(1+dice.IntN(40))*time.Millisecond, dice.IntN(12))
				if keyed {
					records[i].Key, records[i].Flags = uint64(dice.IntN(4000)), lb.Keyed
				}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w.learner.Observe(&records[i%len(records)])
				i++
			}
		})
	}
}

// BenchmarkTick is a second of ticks: ten of them, four merges and one fit.
func BenchmarkTick(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		for _, unequal := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/unequal=%t", n, unequal), func(b *testing.B) {
				w := newWorld(n)
				dice := stats.NewDice(1)
				for i := range 200 * n {
					mean := 20.0
					if unequal {
						mean *= float64(1 + i%n%100)
					}
					r := w.record(time.Duration(i)*10*time.Microsecond, i%n, time.Duration(mean*(0.5+dice.Float64())*1e6), dice.IntN(12))
					w.learner.Observe(&r)
				}
				now := w.start.Add(10 * time.Second)
				b.ReportAllocs()
				for b.Loop() {
					for range 10 {
						now = now.Add(100 * time.Millisecond)
						w.learner.Tick(now)
					}
				}
			})
		}
	}
}
