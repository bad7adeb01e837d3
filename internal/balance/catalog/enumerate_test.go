package catalog

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// state is one of all states of few endpoints: what each has under way, its
// weight and latency, and who was tried already.
type state struct {
	inflight, weight []int
	latency          []time.Duration
	tried            []bool
}

// busy is attempts per weight when endpoint i got one more.
func (s *state) busy(i int) float64 { return float64(s.inflight[i]+1) / float64(s.weight[i]) }

// left are the endpoints that were not tried.
func (s *state) left() (all []int) {
	for i, tried := range s.tried {
		if !tried {
			all = append(all, i)
		}
	}
	return all
}

// least returns those of some that f is smallest for.
func least(some []int, f func(int) float64) (all []int) {
	lowest := math.Inf(1)
	for _, i := range some {
		switch v := f(i); {
		case v < lowest:
			lowest, all = v, []int{i}
		case v == lowest:
			all = append(all, i)
		}
	}
	return all
}

// states calls visit with every state of 1 to 3 endpoints, up to three under
// way at each, weights 1 and 2, two latencies, and any of them tried.
func states(visit func(*state)) {
	for n := 1; n <= 3; n++ {
		s := state{inflight: make([]int, n), weight: make([]int, n), latency: make([]time.Duration, n), tried: make([]bool, n)}
		const each = 4 * 2 * 2 * 2
		for code := range int(math.Pow(each, float64(n))) {
			for i := range n {
				c := code % each
				code /= each
				s.inflight[i], s.weight[i], s.tried[i] = c%4, 1+c/4%2, c/16 == 1
				s.latency[i] = time.Duration(10+20*(c/8%2)) * time.Millisecond
			}
			visit(&s)
		}
	}
}

// winners says for each policy that compares endpoints which of them may win
// in a state, written down without regard to speed.
var winners = map[string]func(*state) []int{
	"least-request": func(s *state) []int { return least(s.left(), s.busy) },
	"p2c": func(s *state) (all []int) { // whoever is no worse than some other
		left := s.left()
		for _, i := range left {
			if len(left) == 1 || slices.ContainsFunc(left, func(j int) bool { return j != i && s.busy(i) <= s.busy(j) }) {
				all = append(all, i)
			}
		}
		return all
	},
	"peak-ewma": func(s *state) []int {
		return least(s.left(), func(i int) float64 { return math.Round(1e6 * s.latency[i].Seconds() * s.busy(i)) })
	},
	"expected-delay": func(s *state) []int { // 4 slots: nobody waits, but where the weight makes it so
		mean := 0.0
		for _, w := range s.weight {
			mean += float64(w) / float64(len(s.weight))
		}
		return least(s.left(), func(i int) float64 {
			load := s.busy(i) * mean / 4
			return math.Round(1e7 * s.latency[i].Seconds() * (1 + 4*max(0, load-1) + 0.1*load))
		})
	},
	"hot-cold": func(s *state) []int {
		left := s.left()
		if len(left) == 0 {
			return nil
		}
		byBusy := slices.Clone(left)
		slices.SortFunc(byBusy, func(i, j int) int { return cmp.Compare(s.busy(i), s.busy(j)) })
		limit := s.busy(byBusy[int(0.84*float64(len(left)-1))])
		cold := slices.DeleteFunc(left, func(i int) bool { return s.busy(i) > limit })
		return least(least(cold, func(i int) float64 { return s.latency[i].Seconds() }), s.busy)
	},
}

func TestEveryStateOfFewEndpointsHasItsWinners(t *testing.T) {
	for policy, want := range winners {
		t.Run(policy, func(t *testing.T) {
			dice := stats.NewDice(9)
			states(func(s *state) {
				if t.Failed() {
					return
				}
				all, tried := arrange(s)
				picker := Builders()[policy](set(all), balance.Options{})
				info := balance.PickInfo{Now: simStart, Dice: &dice, Exclude: tried}
				winners := want(s)
				seen := map[int]bool{}
				for range 12 * len(winners) * len(winners) { // a winner of p2c has at least one pair in three, or half of one
					e, _ := picker.Pick(info)
					seen[slices.Index(all, e)] = true
				}
				for i := range seen {
					if !slices.Contains(winners, i) {
						t.Errorf("%+v: %d won; want one of %v", *s, i, winners)
					}
				}
				if len(seen) < len(winners) {
					t.Errorf("%+v: only %v won; want each of %v now and then", *s, seen, winners)
				}
				if _, err := picker.Pick(info); len(winners) == 0 && !errors.Is(err, lb.ErrNoEndpoint) {
					t.Errorf("%+v: %v; want ErrNoEndpoint", *s, err)
				}
			})
		})
	}
}

// arrange makes endpoints that are in a state.
func arrange(s *state) (all, tried []*lb.Endpoint) {
	all = endpoints(len(s.inflight))
	for i, e := range all {
		e.Weight = s.weight[i]
		e.Live.Observe(lb.Observation{End: simStart, Latency: s.latency[i], Inflight: s.inflight[i]})
		e.Live.SetLearnt(lb.Learnt{Service: s.latency[i], Capacity: 4})
		for range s.inflight[i] {
			e.Live.Begin()
		}
		if s.tried[i] {
			tried = append(tried, e)
		}
	}
	return all, tried
}

func TestRoundRobinIsNginxsForAllSmallWeights(t *testing.T) {
	for code := range 4 * 4 * 4 * 4 {
		var all []*lb.Endpoint
		for i, e := range endpoints(4) {
			if e.Weight = code >> (2 * i) & 3; e.Weight > 0 {
				all = append(all, e)
			}
		}
		if len(all) == 0 {
			continue
		}
		s := set(all)
		current := make([]int, len(all))
		total := 0
		for _, e := range all {
			total += e.Weight
		}
		for turn := range 2 * total { // the algorithm as nginx runs it, once for each request
			best := 0
			for i, e := range all {
				if current[i] += e.Weight; current[i] > current[best] {
					best = i
				}
			}
			current[best] -= total
			picker := Builders()["round-robin"](s, balance.Options{}) // a publish before every pick
			if e, _ := picker.Pick(balance.PickInfo{}); e != all[best] {
				t.Fatalf("weights %o, turn %d: %s; want %s", code, turn, e.Address, all[best].Address)
			}
		}
	}
}

func TestRoundRobinOfGreatWeightsIsNearlyRight(t *testing.T) {
	all := endpoints(5)
	weights := []int{1000, 999, 997, 991, 983} // their sum is longer than the sequence
	weights[4] = 1
	total := 0
	for i, e := range all {
		e.Weight = weights[i] * 2
		total += weights[i]
	}
	all[0].Weight++ // nothing divides them all
	s := set(all)
	picker := Builders()["round-robin"](s, balance.Options{})
	counts := map[*lb.Endpoint]int{}
	const picks = 4096 * 20
	for range picks {
		e, _ := picker.Pick(balance.PickInfo{})
		counts[e]++
	}
	for i, e := range all {
		got, want := float64(counts[e])/picks, float64(weights[i])/float64(total)
		if math.Abs(got-want) > 1.5/4096 {
			t.Errorf("weight %d has %.5f of all; want %.5f within a place in the sequence", weights[i], got, want)
		}
	}
}
