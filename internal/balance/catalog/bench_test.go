package catalog

import (
	"fmt"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// null is the floor: what a pick costs that chooses nothing.
type null struct{ endpoint *lb.Endpoint }

func (n null) Pick(balance.PickInfo) (*lb.Endpoint, error) { return n.endpoint, nil }

// BenchmarkPick picks among endpoints that all have a history and something
// under way.
func BenchmarkPick(b *testing.B) {
	builders := Builders()
	builders["null"] = func(s balance.Set, _ balance.Options) balance.Picker { return null{s.Eligible[0]} }
	for _, name := range append([]string{"null"}, lb.Policies...) {
		for _, n := range []int{2, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				dice := stats.NewDice(1)
				all := warm(n, &dice)
				var keys lb.Affinity
				keys.SetEffect(0.5, 1.5, 256)
				for i, e := range all {
					e.Live.SetLearnt(lb.Learnt{Service: time.Duration(10+dice.IntN(50)) * time.Millisecond, Capacity: 8, Shown: true})
					keys.SetHome(uint64(i), e.ID, 1)
				}
				s := set(all)
				s.Affinity = &keys
				picker := builders[name](s, balance.Options{})
				info := balance.PickInfo{Now: simStart.Add(time.Second), Dice: &dice, HasKey: true, Idempotent: true}
				for b.Loop() {
					info.Key = (info.Key + 1) % 2048
					_, _ = picker.Pick(info)
				}
			})
		}
	}
}

// BenchmarkPublish builds a picker, as every change of a cluster does.
func BenchmarkPublish(b *testing.B) {
	for _, name := range lb.Policies {
		for _, n := range []int{10, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				dice := stats.NewDice(1)
				s := set(warm(n, &dice))
				for i, e := range s.Members {
					e.Weight = 1 + i%3
				}
				for b.Loop() {
					Builders()[name](s, balance.Options{})
				}
			})
		}
	}
}

func warm(n int, dice *stats.Dice) []*lb.Endpoint {
	all := endpoints(n)
	for _, e := range all {
		under := dice.IntN(6)
		for inflight := range under {
			e.Live.Begin()
			e.Live.Observe(lb.Observation{
				End:     simStart.Add(time.Duration(dice.IntN(1000)) * time.Millisecond),
				Latency: time.Duration(10+dice.IntN(30)) * time.Millisecond, Inflight: inflight,
			})
		}
	}
	return all
}
