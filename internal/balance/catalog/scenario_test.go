package catalog

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

// scenario is a world with what happens to it, for any policy.
type scenario struct {
	name   string
	lasts  time.Duration
	build  func(policy string) *sim
	events []event
}

// event changes the world at a time.
type event struct {
	at time.Duration
	do func(*sim)
}

// warmup is left out of what is measured: policies begin with nothing.
const warmup = 5 * time.Second

func (s *scenario) run(policy string) simResult {
	m := s.build(policy)
	var all simResult
	now := time.Duration(0)
	stop := func(until time.Duration) {
		r := m.run(now, until)
		if now >= warmup {
			all.latencies = append(all.latencies, r.latencies...)
			all.failed += r.failed
		}
		now = until
	}
	stop(warmup)
	for _, e := range s.events {
		if e.at > now {
			stop(e.at)
		}
		e.do(m)
	}
	stop(s.lasts)
	return all
}

// slower makes some servers so many times as slow as they are.
func slower(by float64, servers ...int) func(*sim) {
	return func(m *sim) {
		for _, i := range servers {
			m.servers[i].mean = time.Duration(by * float64(m.servers[i].mean))
		}
	}
}

// fill builds a sim of equal servers.
func fill(n int, s server, rate float64) func(string) *sim {
	return func(policy string) *sim {
		m := newSim(policy, n, s, 1)
		m.rate = rate
		return m
	}
}

const ms = time.Millisecond

// scenarios are those of the trial over sockets, and affinity.
var scenarios = []scenario{
	{name: "mixed", lasts: 30 * time.Second, build: func(policy string) *sim {
		m := fill(8, server{mean: 10 * ms, slots: 8}, 2690)(policy) // 70 %
		for i := 4; i < 8; i++ {
			m.servers[i].mean = 50 * ms
		}
		return m
	}},
	{name: "own", lasts: 30 * time.Second, build: func(policy string) *sim {
		m := fill(10, server{mean: 20 * ms, slots: 4}, 675)(policy) // 60 %
		for i := 5; i < 10; i++ {
			m.servers[i].mean, m.servers[i].slots = 80*ms, 2
		}
		return m
	}},
	{
		name: "slow one", lasts: 30 * time.Second, build: fill(10, server{mean: 20 * ms, slots: 6}, 1800), // 60 %
		events: []event{{10 * time.Second, slower(10, 3)}, {20 * time.Second, slower(0.1, 3)}},
	},
	{
		name: "antagonist", lasts: 35 * time.Second, build: fill(10, server{mean: 20 * ms, slots: 6}, 2000), // 67 %
		events: []event{{8 * time.Second, slower(3, 0, 1, 2)}, {16 * time.Second, slower(1.0/3, 0, 1, 2)}, {20 * time.Second, slower(3, 6)}, {26 * time.Second, slower(1.0/3, 6)}},
	},
	{
		name: "brownout", lasts: 35 * time.Second, build: fill(8, server{mean: 20 * ms, slots: 8}, 1750), // 55 %, 82 % while it lasts
		events: []event{{10 * time.Second, slower(3, 0, 1, 2, 3)}, {30 * time.Second, slower(1.0/3, 0, 1, 2, 3)}},
	},
	{name: "heavy", lasts: 30 * time.Second, build: fill(8, server{mean: 20 * ms, slots: 8, heavy: true}, 1920)}, // 60 %
	{name: "hot", lasts: 30 * time.Second, build: fill(8, server{mean: 20 * ms, slots: 8}, 2700)},                // 84 %
	{name: "drizzle", lasts: 30 * time.Second, build: fill(8, server{mean: 20 * ms, slots: 8, fails: 0.005}, 1920)},
	{name: "affinity", lasts: 60 * time.Second, build: func(policy string) *sim {
		m := fill(10, server{mean: 40 * ms, slots: 4, cache: 400, hit: 4 * ms}, 900)(policy)
		m.zipf(4000, 0.7)
		return m
	}},
	{name: "affinity and a slow one", lasts: 60 * time.Second, build: func(policy string) *sim {
		m := fill(10, server{mean: 40 * ms, slots: 4, cache: 400, hit: 4 * ms}, 800)(policy)
		m.servers[3].mean, m.servers[3].hit = 240*ms, 24*ms
		m.zipf(4000, 0.7)
		return m
	}},
	{name: "hot key without a cache", lasts: 30 * time.Second, build: func(policy string) *sim {
		m := fill(10, server{mean: 20 * ms, slots: 4}, 1400)(policy)
		m.zipf(200, 1.6)
		return m
	}},
}

// fresh were written before anything was tuned, and opened after it.
var fresh = []scenario{
	{name: "ladder", lasts: 40 * time.Second, build: func(policy string) *sim {
		m := fill(12, server{mean: 10 * ms, slots: 4, fails: 0.01}, 0)(policy)
		for i := range m.servers {
			m.servers[i].mean = time.Duration(10 * float64(ms) * math.Pow(1.35, float64(i)))
			m.rate += 0.7 * float64(m.servers[i].slots) / m.servers[i].mean.Seconds()
		}
		return m
	}},
	{
		name: "tide", lasts: 45 * time.Second, build: fill(8, server{mean: 25 * ms, slots: 5}, 640), // 40 %
		events: []event{
			{8 * time.Second, func(m *sim) { m.rate = 1280 }},
			{10 * time.Second, slower(4, 2)},
			{14 * time.Second, func(m *sim) { m.rate = 640 }},
			{16 * time.Second, slower(4, 5)},
			{20 * time.Second, func(m *sim) { m.rate = 1100 }},
			{22 * time.Second, slower(0.25, 2)},
			{28 * time.Second, slower(0.25, 5)},
			{30 * time.Second, func(m *sim) { m.rate = 1360 }},
			{38 * time.Second, func(m *sim) { m.rate = 320 }},
		},
	},
	{
		name: "library", lasts: 60 * time.Second, build: func(policy string) *sim {
			m := fill(6, server{mean: 24 * ms, slots: 6, cache: 300, hit: 8 * ms}, 1050)(policy)
			m.servers[5].mean, m.servers[5].hit = 12*ms, 4*ms
			m.zipf(3000, 1)
			return m
		},
		events: []event{{30 * time.Second, func(m *sim) { m.servers[1].known = nil }}, {40 * time.Second, slower(2, 0)}},
	},
}

// TestScenarioTable prints what the policies make of the scenarios. It is for
// people: POISE_TABLE=known or fresh go test -run ScenarioTable -v
func TestScenarioTable(t *testing.T) {
	which, ok := map[string][]scenario{"known": scenarios, "fresh": fresh}[os.Getenv("POISE_TABLE")]
	if !ok {
		t.Skip("prints a table: set POISE_TABLE to known or fresh")
	}
	policies := []string{"least-request", "hot-cold", "peak-ewma", "expected-delay"}
	fmt.Printf("%-26s", "mean / p99 / p99.9, ms")
	for _, p := range policies {
		fmt.Printf("%26s", p)
	}
	fmt.Println()
	for i := range which {
		fmt.Printf("%-26s", which[i].name)
		for _, p := range policies {
			r := which[i].run(p)
			f := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
			fmt.Printf("%26s", fmt.Sprintf("%.1f / %.0f / %.0f", f(r.mean()), f(r.quantile(0.99)), f(r.quantile(0.999))))
		}
		fmt.Println()
	}
}
