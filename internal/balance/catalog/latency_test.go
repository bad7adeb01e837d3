package catalog

import (
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/stats"
)

// latencyAware are the policies that read lb.Estimates or lb.Learnt.
var latencyAware = []string{"peak-ewma", "hot-cold", "expected-delay"}

// forEach runs a test for each of the latency-aware policies.
func forEach(t *testing.T, test func(t *testing.T, policy string)) {
	for _, policy := range latencyAware {
		t.Run(policy, func(t *testing.T) { test(t, policy) })
	}
}

// usual is a server of 400 requests a second.
var usual = server{mean: 20 * time.Millisecond, slots: 8}

func TestFailingFastIsNotAttractive(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		for fails, most := range map[float64]float64{1: 0.01, 0.3: 0.03} {
			m := newSim(policy, 10, usual, 0.5)
			m.servers[3].fails = fails
			if got := m.run(0, 20*time.Second).share(3); got > most || got == 0 {
				t.Errorf("failing %.0f %% in 1 ms it got %.2f %% of all; want under %.0f %%, and a try now and then", 100*fails, 100*got, 100*most)
			}
		}
	})
}

// One failure in 200 everywhere is a usual day. Weighing each with its cost
// emptied one or two of eight endpoints at any time and doubled the latency.
func TestFewFailuresOfEverybodyCostNothing(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		calm := newSim(policy, 8, usual, 0.6).run(0, 20*time.Second).mean()
		m := newSim(policy, 8, usual, 0.6)
		for i := range m.servers {
			m.servers[i].fails = 0.005
		}
		if got := m.run(0, 20*time.Second).mean(); got > calm*11/10 {
			t.Errorf("mean %v; without the failures %v", got, calm)
		}
	})
}

func TestRecoveredEndpointIsUsedAgain(t *testing.T) {
	slow, failing := usual, usual
	slow.mean *= 10
	failing.fails = 1
	for _, tt := range []struct {
		name   string
		before server
		within time.Duration
	}{
		{"ten times slower", slow, 30 * time.Second}, // 5 s, and decay by 10 to 30 with 10 s for a factor of e
		{"failing", failing, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEach(t, func(t *testing.T, policy string) {
				const seeds = 8 // a share of five seconds is a matter of dice
				got := 0.0
				for seed := range uint64(seeds) {
					m := newSim(policy, 10, usual, 0.5)
					m.dice, m.jobs = stats.NewDice(11+seed), stats.NewDice(101+seed)
					m.servers[3] = tt.before
					m.run(0, 10*time.Second)
					m.servers[3].mean, m.servers[3].fails = usual.mean, 0
					m.run(10*time.Second, 10*time.Second+tt.within)
					got += m.run(10*time.Second+tt.within, 15*time.Second+tt.within).share(3) / seeds
				}
				if got < 0.05 {
					t.Errorf("%v after it recovered it has %.1f %%; want at least half of its 10 %%", tt.within, 100*got)
				}
			})
		})
	}
}

func TestFastEndpointsOfUnequalOnesGetMore(t *testing.T) {
	mixed := func(policy string) simResult {
		m := newSim(policy, 10, server{mean: 20 * time.Millisecond, slots: 4}, 0.675)
		for i := 5; i < 10; i++ {
			m.servers[i] = server{mean: 80 * time.Millisecond, slots: 2}
		}
		m.rate = 675 // 60 % of what all can do together
		return m.run(0, 30*time.Second)
	}
	counting := mixed("least-request").mean()
	forEach(t, func(t *testing.T, policy string) {
		if got := mixed(policy).mean(); got > counting*9/10 {
			t.Errorf("mean %v; least-request, which does not know latencies, has %v", got, counting)
		}
	})
}

// class is endpoints with who learns of them.
type class struct {
	all     []*lb.Endpoint
	learner *learn.Learner
}

func newClass(n int) *class {
	c := &class{endpoints(n), learn.New(learn.Options{})}
	c.learner.Members(c.all)
	return c
}

// observe tells everybody who learns of a finished attempt.
func (c *class) observe(i int, o lb.Observation) {
	c.all[i].Live.Observe(o)
	r := recordOf(c.all[i], o, 0, false)
	c.learner.Observe(&r)
}

// busy returns ten endpoints, all but number 3 at 20 ms with four under way.
func busy() *class {
	c := newClass(10)
	for i, e := range c.all {
		if i == 3 {
			continue
		}
		for range 20 {
			c.observe(i, lb.Observation{End: simStart, Latency: 20 * time.Millisecond, Inflight: 4})
		}
		for range 4 {
			e.Live.Begin()
		}
	}
	return c
}

// A burst comes before anything can be learnt from the endpoint that was away:
// it may fill up like the others and no further.
func TestEndpointThatReturnsIsNoMagnet(t *testing.T) {
	histories := map[string]*lb.Observation{
		"nothing known":          nil,
		"answered long ago":      {Latency: 20 * time.Millisecond, Outcome: lb.Success},
		"last failed":            {Outcome: lb.Reset},
		"last asked for less":    {Latency: time.Millisecond, Outcome: lb.Pressure},
		"was slow when it left":  {Latency: 2 * time.Second, Outcome: lb.Success},
		"its client left early":  {Latency: time.Millisecond, Outcome: lb.Canceled},
		"answered out of a pool": {Latency: 20 * time.Millisecond, Inflight: 700},
	}
	for name, history := range histories {
		t.Run(name, func(t *testing.T) {
			forEach(t, func(t *testing.T, policy string) {
				for _, away := range []time.Duration{30 * time.Second, time.Minute, time.Hour, 30 * 24 * time.Hour} {
					c := busy()
					all := c.all
					if history != nil {
						o := *history
						o.End = simStart.Add(-away)
						c.observe(3, o)
					}
					c.learner.Tick(simStart)
					dice := stats.NewDice(1)
					picker := Builders()[policy](set(all), balance.Options{})
					for range 10 * 10 {
						e, _ := picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice})
						e.Live.Begin()
					}
					// All end at 13 or 14; far above is a herd, far below starves. Who was
					// slow half a minute ago may wait the other half.
					got, least := all[3].Live.Inflight(), 7
					if away < time.Minute || policy == "expected-delay" && name == "was slow when it left" {
						least = 0 // it fades for those; this one tries it with single requests
					}
					if got < least || got > 20 {
						t.Errorf("back after %v it took %d of a burst of 100; want about 14", away, got)
					}
				}
			})
		})
	}
}

func TestEndpointWithoutAHistoryTiesWithTheBest(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		c := newClass(10)
		all := c.all
		for i := range all[1:] {
			c.observe(i+1, lb.Observation{End: simStart, Latency: 20 * time.Millisecond})
		}
		c.learner.Tick(simStart)
		dice := stats.NewDice(1)
		picker := Builders()[policy](set(all), balance.Options{})
		taken := 0
		for range 10_000 {
			if e, _ := picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice}); e == all[0] {
				taken++
			}
		}
		if taken < 800 || taken > 1200 {
			t.Errorf("it was picked %d times of 10000 among ten; want about 1000", taken)
		}
	})
}

// At low load an endpoint is only ever compared with idle ones, so whoever
// looks a little worse is never tried unless its estimate fades.
func TestNobodyStarvesAtLowLoad(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		c := newClass(5) // the last one is new
		all := c.all
		dice := stats.NewDice(1)
		picker := Builders()[policy](set(all), balance.Options{})
		for i := range all[:4] {
			c.observe(i, lb.Observation{End: simStart, Latency: time.Duration(10+5*i) * time.Millisecond})
		}
		counts := map[*lb.Endpoint]int{}
		for n := range 600 { // ten a second for a minute, each answered before the next
			now := simStart.Add(time.Duration(n) * 100 * time.Millisecond)
			c.learner.Tick(now)
			e, _ := picker.Pick(balance.PickInfo{Now: now, Dice: &dice, Idempotent: true})
			counts[e]++
			c.observe(int(e.ID-1), lb.Observation{End: now, Latency: 15 * time.Millisecond})
		}
		for i, e := range all {
			if counts[e] == 0 {
				t.Errorf("endpoint %d had none of 600 requests in a minute", i)
			}
		}
	})
}

func TestLoadIsSharedByWeight(t *testing.T) {
	for policy, tolerance := range map[string]int{"least-request": 1, "peak-ewma": 1, "hot-cold": 2, "p2c": 4, "expected-delay": 1} {
		c := newClass(10)
		all := c.all
		for i, e := range all {
			e.Weight = 1 + i%3
			for inflight := range 60 {
				c.observe(i, lb.Observation{End: simStart, Latency: 20 * time.Millisecond, Inflight: inflight})
			}
		}
		c.learner.Tick(simStart)
		dice := stats.NewDice(1)
		picker := Builders()[policy](set(all), balance.Options{})
		const perWeight, weights = 20, 19 // 4 ones, 3 twos, 3 threes
		for range perWeight * weights {
			e, _ := picker.Pick(balance.PickInfo{Now: simStart, Dice: &dice})
			e.Live.Begin()
		}
		for _, e := range all {
			if got, want := e.Live.Inflight(), perWeight*e.Weight; got < want-tolerance*e.Weight || got > want+tolerance*e.Weight {
				t.Errorf("%s: %d under way at weight %d; want about %d", policy, got, e.Weight, want)
			}
		}
	}
}
