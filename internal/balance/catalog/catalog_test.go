package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

func endpoints(n int) []*lb.Endpoint {
	var all []*lb.Endpoint
	for i := range n {
		address := fmt.Sprintf("10.0.0.%d:80", i)
		all = append(all, &lb.Endpoint{Address: address, Weight: 1, Hash: xxhash.Sum64String(address), Live: &lb.Live{}, Stats: &lb.Stats{}})
	}
	return all
}

func set(all []*lb.Endpoint) balance.Set {
	return balance.Set{Members: all, Eligible: all, Cursor: new(balance.Cursor)}
}

func TestEveryPolicyHasABuilder(t *testing.T) {
	if got := slices.Sorted(maps.Keys(Builders())); !slices.Equal(got, slices.Sorted(slices.Values(lb.Policies))) {
		t.Errorf("builders %q; policies %q", got, lb.Policies)
	}
}

func TestEveryPolicyKeepsThePickersPromises(t *testing.T) {
	for name, build := range Builders() {
		t.Run(name, func(t *testing.T) {
			dice := stats.NewDice(1)
			info := balance.PickInfo{Now: 1, Dice: &dice}
			if _, err := build(set(nil), balance.Options{}).Pick(info); !errors.Is(err, lb.ErrNoEndpoint) {
				t.Errorf("nobody to pick: %v", err)
			}
			for _, n := range []int{1, 2, 3, 17, 100} {
				all := endpoints(n)
				s := set(all)
				s.Eligible = all[n/2:]
				p := build(s, balance.Options{})
				for i := range 200 {
					info.Key, info.HasKey = dice.Uint64(), i%2 == 0
					info.Exclude = nil
					if len(s.Eligible) > 1 {
						info.Exclude = s.Eligible[:1]
					}
					e, err := p.Pick(info)
					if err != nil || !slices.Contains(s.Eligible, e) || info.Excluded(e) {
						t.Fatalf("of %d: picked %v, %v", n, e, err)
					}
				}
				info.Exclude = s.Eligible
				if e, err := p.Pick(info); n <= 3 && !errors.Is(err, lb.ErrNoEndpoint) {
					t.Errorf("all of %d tried: picked %v, %v", n, e, err)
				}
				info.Exclude = nil
				if allocs := testing.AllocsPerRun(100, func() { _, _ = p.Pick(info) }); allocs != 0 {
					t.Errorf("of %d: %g allocations a pick", n, allocs)
				}
			}
		})
	}
}

func TestRoundRobinIsExactAndSurvivesAPublish(t *testing.T) {
	all := endpoints(3)
	s := set(all)
	counts := map[*lb.Endpoint]int{}
	for range 3 { // a publish in between
		p := Builders()["round-robin"](s, balance.Options{})
		for range 100 {
			e, _ := p.Pick(balance.PickInfo{})
			counts[e]++
		}
	}
	for _, e := range all {
		if counts[e] != 100 {
			t.Errorf("%s got %d of 300; want 100", e.Address, counts[e])
		}
	}
}

func TestRoundRobinIsSmooth(t *testing.T) {
	all := endpoints(3)
	all[0].Weight = 5
	p := Builders()["round-robin"](set(all), balance.Options{})
	turn := ""
	for range 7 {
		e, _ := p.Pick(balance.PickInfo{})
		turn += e.Address[7:8]
	}
	if turn != "0010200" {
		t.Errorf("turn %s; want 0010200, as nginx documents for weights 5 1 1", turn)
	}
}

func TestFewestUnderWayWinsAndTiesAreEven(t *testing.T) {
	all := endpoints(3)
	all[1].Live.Begin()
	dice := stats.NewDice(3)
	p := Builders()["least-request"](set(all), balance.Options{})
	counts := map[*lb.Endpoint]int{}
	for range 20_000 {
		e, _ := p.Pick(balance.PickInfo{Dice: &dice})
		counts[e]++
	}
	if counts[all[1]] != 0 || counts[all[0]] < 9_700 || counts[all[0]] > 10_300 {
		t.Errorf("counts %d %d %d; want half, none, half", counts[all[0]], counts[all[1]], counts[all[2]])
	}
}

func TestPairsOfTwoChoicesAreAllAlike(t *testing.T) {
	all := endpoints(5)
	dice := stats.NewDice(4)
	p := Builders()["p2c"](set(all), balance.Options{})
	// With k attempts under way at endpoint k, a pair is won by its lower
	// number; pairs that are equally likely make shares of 4:3:2:1:0.
	for k, e := range all {
		for range k {
			e.Live.Begin()
		}
	}
	counts := map[*lb.Endpoint]int{}
	for range 100_000 {
		e, _ := p.Pick(balance.PickInfo{Dice: &dice})
		counts[e]++
	}
	for k, e := range all {
		if want := (4 - k) * 10_000; counts[e] < want-500 || counts[e] > want+500 {
			t.Errorf("endpoint %d won %d; want about %d", k, counts[e], want)
		}
	}
}

func TestKeysMoveOnlyFromWhoIsOut(t *testing.T) {
	for _, name := range []string{"ring-hash", "maglev", "bounded-hash"} {
		all := endpoints(10)
		before := Builders()[name](set(all), balance.Options{})
		s := set(all)
		s.Eligible = all[1:]
		after := Builders()[name](s, balance.Options{})
		dice := stats.NewDice(5)
		counts := map[*lb.Endpoint]int{}
		for key := range uint64(10_000) {
			info := balance.PickInfo{Dice: &dice, Key: key, HasKey: true}
			a, _ := before.Pick(info)
			b, _ := after.Pick(info)
			if counts[a]++; a != all[0] && a != b {
				t.Fatalf("%s: key %d moved from %s, which is still there", name, key, a.Address)
			}
		}
		for _, e := range all {
			if counts[e] < 500 || counts[e] > 1_700 {
				t.Errorf("%s: %s has %d of 10000 keys", name, e.Address, counts[e])
			}
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{2, 10, 100, 1000} {
		for _, name := range lb.Policies {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				dice := stats.NewDice(1)
				p := Builders()[name](set(endpoints(n)), balance.Options{})
				info := balance.PickInfo{Now: 1, Dice: &dice, HasKey: true}
				for b.Loop() {
					info.Key++
					_, _ = p.Pick(info)
				}
			})
		}
	}
}
