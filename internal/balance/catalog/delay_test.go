package catalog

import (
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// While nothing is learnt, expected-delay is least-request, dice and all.
func TestExpectedDelayThatKnowsNothingIsLeastRequest(t *testing.T) {
	for _, n := range []int{1, 2, 5, 16} {
		world := stats.NewDice(uint64(n))
		all := endpoints(n)
		for _, e := range all {
			e.Weight = 1 + world.IntN(3)
		}
		one, two := stats.NewDice(8), stats.NewDice(8)
		least, delay := Builders()["least-request"](set(all), balance.Options{}), Builders()["expected-delay"](set(all), balance.Options{})
		for i := range 2000 {
			info := balance.PickInfo{Now: simStart, Dice: &one}
			want, _ := least.Pick(info)
			info.Dice = &two
			two = one
			got, _ := delay.Pick(info)
			if balance.Busy(got) != balance.Busy(want) {
				t.Fatalf("of %d, pick %d: %s at %g; least-request took %s at %g", n, i, got.Address, balance.Busy(got), want.Address, balance.Busy(want))
			}
			got.Live.Begin()
			if world.IntN(3) > 0 {
				if e := all[world.IntN(n)]; e.Live.Inflight() > 0 {
					e.Live.End()
				}
			}
		}
	}
}

// Waiting weighs four times: with estimates that are exact and without that,
// fast endpoints fill until everybody waits there (brownout 39 ms, not 26).
func TestExpectedDelayIsNotSelfishInABrownout(t *testing.T) {
	s := find(t, "brownout")
	counting, delay := s.run("least-request"), s.run("expected-delay")
	if m, c := delay.mean(), counting.mean(); m > c*105/100 {
		t.Errorf("mean %v; least-request has %v", m, c)
	}
	if m, c := delay.quantile(0.99), counting.quantile(0.99); m > c {
		t.Errorf("p99 %v; least-request has %v", m, c)
	}
}

func find(t *testing.T, name string) *scenario {
	t.Helper()
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i]
		}
	}
	t.Fatalf("there is no scenario %q", name)
	return nil
}

// Where endpoints are equal it must not be worse than counting, where they are
// not it must be better. The scenarios are those that it was designed on.
func TestExpectedDelayAgainstTheBetterOfTwo(t *testing.T) {
	most := map[string]float64{
		"mixed": 0.95, "antagonist": 0.98, "heavy": 1.03, "drizzle": 1.03, "affinity": 0.4, "hot key without a cache": 1.03,
	}
	for name, most := range most {
		s := find(t, name)
		other := min(s.run("least-request").mean(), s.run("hot-cold").mean())
		if got := s.run("expected-delay").mean(); got.Seconds() > most*other.Seconds() {
			t.Errorf("%s: mean %v; the better of least-request and hot-cold has %v", name, got, other)
		}
	}
}

// Only requests that may be sent twice try a starved endpoint, and at most one
// pick in a hundred does.
func TestStarvedEndpointIsTriedNowAndThen(t *testing.T) {
	for _, idempotent := range []bool{true, false} {
		all := endpoints(4)
		for i, e := range all {
			e.Live.SetLearnt(lb.Learnt{Service: time.Duration(20+180*(i/3)) * ms, Capacity: 4})
		}
		dice := stats.NewDice(1)
		picker := Builders()["expected-delay"](set(all), balance.Options{})
		tried, gaps := 0, []time.Duration(nil)
		last := simStart
		const picks = 30_000 // half a minute
		for n := range picks {
			now := simStart.Add(time.Duration(n) * ms)
			e, _ := picker.Pick(balance.PickInfo{Now: now, Dice: &dice, Idempotent: idempotent})
			if e == all[3] {
				tried++
				gaps = append(gaps, now.Sub(last))
				last = now
			}
		}
		switch {
		case !idempotent && tried > 0:
			t.Errorf("%d requests that may not be sent twice went to find out", tried)
		case idempotent && (tried < 15 || tried > 30):
			t.Errorf("tried %d times in 30 s; want about once in 1.1 s", tried)
		}
		for _, gap := range gaps {
			if gap < time.Second {
				t.Errorf("tried again after %v; want a second at least", gap)
			}
		}
	}
}

func TestProbesAreOneInAHundredAtMost(t *testing.T) {
	all := endpoints(16)
	for i, e := range all {
		e.Live.SetLearnt(lb.Learnt{Service: time.Duration(20+180*min(i, 1)) * ms, Capacity: 4, Better: true})
	}
	dice := stats.NewDice(2)
	picker := Builders()["expected-delay"](set(all), balance.Options{})
	probes := 0
	const picks = 20_000
	for n := range picks { // so slow that all fifteen are starved at any time
		if e, _ := picker.Pick(balance.PickInfo{Now: simStart.Add(time.Duration(n) * 10 * time.Second), Dice: &dice, Idempotent: true}); e != all[0] {
			probes++
		}
	}
	if share := float64(probes) / picks; share > 0.013 || share < 0.007 {
		t.Errorf("%.2f %% of the picks were probes; want 1 %%", 100*share)
	}
}

func TestEndpointThatFailsIsNotProbed(t *testing.T) {
	all := endpoints(2)
	all[0].Live.SetLearnt(lb.Learnt{Service: 20 * ms, Capacity: 4})
	all[1].Live.SetLearnt(lb.Learnt{Service: 20 * ms, Capacity: 4})
	dice := stats.NewDice(2)
	picker := Builders()["expected-delay"](set(all), balance.Options{})
	for n := range 20_000 {
		now := simStart.Add(time.Duration(n) * ms)
		all[1].Live.Observe(lb.Observation{End: now, Outcome: lb.Status5xx}) // trials of the guard fail
		if e, _ := picker.Pick(balance.PickInfo{Now: now, Dice: &dice, Idempotent: true}); e == all[1] && n > 10 {
			t.Fatalf("pick %d went to an endpoint that fails", n)
		}
	}
}

func TestKeyGoesHomeUnlessItWouldWait(t *testing.T) {
	for _, n := range []int{4, 100} { // of many, home is looked at beside the sample
		all := endpoints(n)
		var a lb.Affinity
		for _, e := range all {
			e.Live.SetLearnt(lb.Learnt{Service: 20 * ms, Capacity: 4, Shown: true})
		}
		a.SetEffect(0.2, 1.8, 64)
		a.SetHome(77, all[2].ID, 10)
		all[2].Live.SetServed(30)
		s := set(all)
		s.Affinity = &a
		dice := stats.NewDice(3)
		picker := Builders()["expected-delay"](s, balance.Options{})
		home := func() (times int) {
			for range 200 {
				if e, _ := picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice, Key: 77, HasKey: true}); e == all[2] {
					times++
				}
			}
			return times
		}
		if got := home(); got != 200 {
			t.Errorf("of %d: home %d times of 200; want always", n, got)
		}
		for range 8 {
			all[2].Live.Begin()
		}
		if got := home(); got != 0 {
			t.Errorf("of %d: home %d times while it would wait there; want never", n, got)
		}
		for range 8 {
			all[2].Live.End()
		}
		all[2].Live.SetServed(10 + 65)
		if got := home(); got > 150 {
			t.Errorf("of %d: home %d times though it has forgotten the key", n, got)
		}
		s.Eligible = without(all, 2)
		picker = Builders()["expected-delay"](s, balance.Options{})
		if got := home(); got != 0 {
			t.Errorf("of %d: it may not be picked, and was", n)
		}
	}
}

// TestKeysThatNobodyHasSeenArePartedAmongTheEndpoints: the caches would else
// all hold the same keys, and each would hold few of them.
func TestKeysThatNobodyHasSeenArePartedAmongTheEndpoints(t *testing.T) {
	const keys, n = 4000, 10
	all := endpoints(n)
	for _, e := range all {
		e.Live.SetLearnt(lb.Learnt{Service: 20 * ms, Capacity: 4, Shown: true})
	}
	parted := func(effect bool, seed uint64) (to [keys]*lb.Endpoint) {
		s := set(all)
		s.Affinity = &lb.Affinity{}
		dice := stats.NewDice(seed)
		picker := Builders()["expected-delay"](s, balance.Options{})
		if effect { // found out after the picker was made
			s.Affinity.SetEffect(0.2, 1.8, 64)
		}
		for k := range to {
			to[k], _ = picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice, Key: uint64(k), HasKey: true})
		}
		return to
	}
	same := func(a, b [keys]*lb.Endpoint) (n int) {
		for k := range a {
			if a[k] == b[k] {
				n++
			}
		}
		return n
	}
	one := parted(true, 1)
	if got := same(one, parted(true, 2)); got != keys {
		t.Errorf("another balancer sends %d of %d keys to the same endpoint; want all", got, keys)
	}
	if got := same(parted(false, 1), parted(false, 2)); got > keys/5 {
		t.Errorf("where keys do not matter %d of %d have a place; want those that chance gives one", got, keys)
	}
	share := map[*lb.Endpoint]int{}
	for _, e := range one {
		share[e]++
	}
	for _, e := range all {
		if share[e] < keys/n*8/10 || share[e] > keys/n*12/10 {
			t.Errorf("%s is the place of %d keys; want about %d", e.Address, share[e], keys/n)
		}
	}
	for range 8 { // whose place is full go elsewhere, all others stay
		all[3].Live.Begin()
	}
	busy := parted(true, 3)
	for k, e := range one {
		if (e == all[3]) == (busy[k] == e) {
			t.Fatalf("key %d was at home at %s and is sent to %s while %s is full", k, e.Address, busy[k].Address, all[3].Address)
		}
	}
}

// A weight shares the load out; it does not make anybody wait where the
// capacity was seen.
func TestWeightThatClaimsTooMuchFillsNoQueue(t *testing.T) {
	all := endpoints(4)
	for i, e := range all {
		e.Weight = 1 + 3*(i/3) // the last claims four times as much
		e.Live.SetLearnt(lb.Learnt{Service: 20 * ms, Capacity: 4, Shown: true})
	}
	dice := stats.NewDice(3)
	picker := Builders()["expected-delay"](set(all), balance.Options{})
	for n := range 16 {
		e, _ := picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice})
		e.Live.Begin()
		if n == 3 && all[3].Live.Inflight() < 2 {
			t.Errorf("of the first four requests it has %d; want the share of its weight", all[3].Live.Inflight())
		}
	}
	if got := all[3].Live.Inflight(); got > 5 {
		t.Errorf("%d of 16 went to an endpoint of 4 slots while others had room", got)
	}
}

// The score that people see orders endpoints as the pick does.
func TestScoreIsWhatIsPickedBy(t *testing.T) {
	for _, policy := range []string{"least-request", "peak-ewma", "hot-cold", "expected-delay"} {
		dice := stats.NewDice(7)
		for range 300 {
			all := warm(2+dice.IntN(8), &dice)
			for _, e := range all {
				e.Live.SetLearnt(lb.Learnt{Service: time.Duration(10+dice.IntN(50)) * ms, Capacity: float64(1 + dice.IntN(8))})
			}
			picker := Builders()[policy](set(all), balance.Options{})
			scorer, ok := picker.(balance.Scorer)
			if !ok {
				t.Fatalf("%s gives no scores", policy)
			}
			info := balance.PickInfo{Now: simStart.Add(time.Second), Dice: &dice}
			picked, _ := picker.Pick(info)
			for _, e := range all {
				if scorer.Score(info, e) < scorer.Score(info, picked) {
					t.Fatalf("%s picked %s at %g; %s has %g", policy, picked.Address, scorer.Score(info, picked), e.Address, scorer.Score(info, e))
				}
			}
		}
	}
}
