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
		all = append(all, &lb.Endpoint{ID: uint32(i + 1), Address: address, Weight: 1, Hash: xxhash.Sum64String(address), Live: &lb.Live{}, Stats: &lb.Stats{}})
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

func TestTiesAreEvenHoweverManyThereAre(t *testing.T) {
	for _, name := range []string{"least-request", "p2c", "peak-ewma", "hot-cold", "expected-delay"} {
		all := endpoints(7)
		all[2].Live.Begin() // a gap: a scan from a random start would favour the one behind it
		dice := stats.NewDice(4)
		p := Builders()[name](set(all), balance.Options{})
		counts := map[*lb.Endpoint]int{}
		for range 60_000 {
			e, _ := p.Pick(balance.PickInfo{Dice: &dice})
			counts[e]++
		}
		for i, e := range all {
			want := 10_000
			if i == 2 {
				want = 0
			}
			if counts[e] < want-400 || counts[e] > want+400 {
				t.Errorf("%s: endpoint %d has %d; want about %d", name, i, counts[e], want)
			}
		}
	}
}
