package catalog

import (
	"math"
	"slices"
	"testing"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

var hashing = []string{"bounded-hash", "ring-hash", "maglev"}

// keys is how many keys the tests place.
const keys = 4000

// places returns where each key goes over a set.
func places(policy string, s balance.Set) []*lb.Endpoint {
	dice := stats.NewDice(1)
	picker := Builders()[policy](s, balance.Options{})
	all := make([]*lb.Endpoint, keys)
	for key := range all {
		all[key], _ = picker.Pick(balance.PickInfo{Dice: &dice, Key: uint64(key), HasKey: true})
	}
	return all
}

// moved counts the keys that went elsewhere though their endpoint is not gone.
func moved(before, after []*lb.Endpoint, gone ...*lb.Endpoint) (n int) {
	for key, e := range before {
		if after[key] != e && !slices.Contains(gone, e) {
			n++
		}
	}
	return n
}

func without(all []*lb.Endpoint, i int) []*lb.Endpoint {
	return slices.Delete(slices.Clone(all), i, i+1)
}

func TestRemovedMemberMovesHardlyAnyOtherKey(t *testing.T) {
	dice := stats.NewDice(2)
	for _, policy := range hashing {
		for range 25 {
			all := weighted(2+dice.IntN(40), &dice)
			all[0].Weight, all[1].Weight = 4, 4 // the heaviest stays
			i := dice.IntN(len(all))
			got := moved(places(policy, set(all)), places(policy, set(without(all, i))), all[i])
			most := 0
			if policy == "maglev" { // its table is filled anew: the paper's section 5.3
				most = keys * 2 / 100
			}
			if got > most {
				t.Errorf("%s: of %d members one went and %d other keys of %d moved; want at most %d", policy, len(all), got, keys, most)
			}
		}
	}
}

func TestMemberThatIsOutMovesNoOtherKey(t *testing.T) {
	dice := stats.NewDice(3)
	for _, policy := range hashing {
		for range 5 {
			s := set(weighted(2+dice.IntN(30), &dice))
			before := places(policy, s)
			for len(s.Eligible) > 1 { // one after the other goes out, to the last
				i := dice.IntN(len(s.Eligible))
				gone := s.Eligible[i]
				s.Eligible = without(s.Eligible, i)
				after := places(policy, s)
				if n := moved(before, after, gone); n > 0 {
					t.Fatalf("%s: %d of %d members are left and %d keys moved that need not", policy, len(s.Eligible), len(s.Members), n)
				}
				before = after
			}
		}
	}
}

func TestKeyOfAnEndpointThatReturnsReturns(t *testing.T) {
	for _, policy := range hashing {
		s := set(endpoints(10))
		before := places(policy, s)
		s.Eligible = without(s.Members, 4)
		places(policy, s)
		s.Eligible = s.Members
		if n := moved(before, places(policy, s)); n != 0 {
			t.Errorf("%s: %d keys are not where they were", policy, n)
		}
	}
}

func TestWeightThatChangesALittleMovesFewKeys(t *testing.T) {
	for _, policy := range hashing {
		all := endpoints(10)
		for _, e := range all {
			e.Weight = 100
		}
		before := places(policy, set(all))
		all[4].Weight = 95
		if n := moved(before, places(policy, set(all))); n > keys*3/100 {
			t.Errorf("%s: a weight went from 100 to 95 and %d of %d keys moved", policy, n, keys)
		}
	}
}

// weighted returns n endpoints of weights from 1 to 4.
func weighted(n int, dice *stats.Dice) []*lb.Endpoint {
	all := endpoints(n)
	for _, e := range all {
		e.Weight = 1 + dice.IntN(4)
	}
	return all
}

func TestWeightsAreSharesOfKeysAndOfRandomRequests(t *testing.T) {
	for policy, tolerance := range map[string]float64{"random": 0.01, "maglev": 0.02, "ring-hash": 0.15} {
		for _, keyed := range []bool{true, false} {
			all := endpoints(6)
			total := 0
			for i, e := range all {
				e.Weight = 1 + i
				total += e.Weight
			}
			dice := stats.NewDice(4)
			picker := Builders()[policy](set(all), balance.Options{})
			counts := map[*lb.Endpoint]int{}
			const picks = 200_000
			for key := range uint64(picks) {
				e, _ := picker.Pick(balance.PickInfo{Dice: &dice, Key: key, HasKey: keyed})
				counts[e]++
			}
			for _, e := range all {
				want := float64(e.Weight) / float64(total)
				got := float64(counts[e]) / picks
				noise := 4 * math.Sqrt(want/picks)
				if math.Abs(got-want) > tolerance*want+noise {
					t.Errorf("%s, keyed %t: weight %d of %d has %.4f; want %.4f", policy, keyed, e.Weight, total, got, want)
				}
			}
		}
	}
}

func TestRandomRetryKeepsTheWeightsOfTheRest(t *testing.T) {
	all := endpoints(4)
	all[0].Weight, all[1].Weight = 1000, 3 // the first was tried
	dice := stats.NewDice(5)
	picker := Builders()["random"](set(all), balance.Options{})
	counts := map[*lb.Endpoint]int{}
	for range 50_000 {
		e, _ := picker.Pick(balance.PickInfo{Dice: &dice, Exclude: all[:1]})
		counts[e]++
	}
	for i, want := range []int{0, 30_000, 10_000, 10_000} {
		if got := counts[all[i]]; got < want-500 || got > want+500 || want == 0 && got > 0 {
			t.Errorf("endpoint %d got %d; want about %d", i, got, want)
		}
	}
}

func TestMembersWithOneHashShareItsKeys(t *testing.T) {
	for _, policy := range hashing {
		all := endpoints(4)
		for _, e := range all {
			e.Hash = 7
		}
		counts := map[*lb.Endpoint]int{}
		for _, e := range places(policy, set(all)) {
			counts[e]++
		}
		for i, e := range all {
			if counts[e] < keys/8 {
				t.Errorf("%s: member %d of four with one hash has %d of %d keys", policy, i, counts[e], keys)
			}
		}
	}
}

func TestLastOneThatIsLeftIsFound(t *testing.T) {
	for _, policy := range lb.Policies {
		all := endpoints(200)
		dice := stats.NewDice(6)
		picker := Builders()[policy](set(all), balance.Options{})
		masked := set(all)
		masked.Eligible = all[77:78]
		only := Builders()[policy](masked, balance.Options{})
		tried := without(all, 77)
		for key := range uint64(50) {
			info := balance.PickInfo{Now: simStart, Dice: &dice, Key: key, HasKey: key%2 == 0}
			if e, err := only.Pick(info); e != all[77] {
				t.Fatalf("%s: one of 200 is eligible; picked %v, %v", policy, e, err)
			}
			info.Exclude = tried
			if e, err := picker.Pick(info); e != all[77] {
				t.Fatalf("%s: all but one were tried; picked %v, %v", policy, e, err)
			}
		}
	}
}

// A hot key may fill its endpoint to the bound and then spills over; nobody
// ever gets above the bound while there is room elsewhere.
func TestHotKeySpillsOverAtTheBound(t *testing.T) {
	dice := stats.NewDice(7)
	for range 20 {
		all := weighted(2+dice.IntN(10), &dice)
		picker := Builders()["bounded-hash"](set(all), balance.Options{})
		weight := 0
		for _, e := range all {
			weight += e.Weight
		}
		for total := 1; total <= 300; total++ {
			key := uint64(dice.IntN(3)) // few keys, all of them hot
			e, _ := picker.Pick(balance.PickInfo{Dice: &dice, Key: key, HasKey: true})
			e.Live.Begin()
			bound := int(math.Ceil(1.25 * float64(total*e.Weight) / float64(weight)))
			if got := e.Live.Inflight(); got > bound {
				t.Fatalf("%d of %d under way at weight %d of %d; want at most %d", got, total, e.Weight, weight, bound)
			}
		}
	}
}
