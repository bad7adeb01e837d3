package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"poise/internal/scenario"
)

func parse(t testing.TB, text string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.scenario", "test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// erlangC is the probability of waiting in M/M/c at load a in Erlangs.
func erlangC(c int, a float64) float64 {
	sum, term := 0.0, 1.0
	for k := range c {
		if k > 0 {
			term *= a / float64(k)
		}
		sum += term
	}
	last := term * a / float64(c) * float64(c) / (float64(c) - a)
	return last / (sum + last)
}

// TestQueuesAreWhatTheoryKnows compares mean times in the system with closed
// forms: M/M/1 and M/M/c (Erlang C), and M/G/1 with processor sharing, whose
// mean depends on the mean service time only.
func TestQueuesAreWhatTheoryKnows(t *testing.T) {
	const service = 0.02
	mmc := func(c int, rho float64) float64 {
		return service + erlangC(c, rho*float64(c))*service/(float64(c)*(1-rho))
	}
	for _, c := range []struct {
		what string
		kind string
		rate float64
		want float64
	}{
		{"M/M/1 at 0.5", "slots 1 service 20ms exponential", 25, mmc(1, 0.5)},
		{"M/M/1 at 0.8", "slots 1 service 20ms exponential", 40, mmc(1, 0.8)},
		{"M/M/4 at 0.7", "slots 4 service 20ms exponential", 140, mmc(4, 0.7)},
		{"M/M/8 at 0.9", "slots 8 service 20ms exponential", 360, mmc(8, 0.9)},
		{"M/D/1 at 0.7", "slots 1 service 20ms constant", 35, service + 0.7*service/(2*0.3)},
		{"M/M/1-PS at 0.7", "cores 1 service 20ms exponential", 35, service / 0.3},
		{"M/G/1-PS at 0.7, heavy", "cores 1 service 20ms heavy", 35, service / 0.3},
		{"M/D/1-PS at 0.5", "cores 1 service 20ms constant", 25, service / 0.5},
		{"M/M/4-PS at 0.7", "cores 4 service 20ms exponential", 140, mmc(4, 0.7)},
		{"a network of 10 ms", "slots 64 service 20ms exponential network 10ms", 100, service + 0.01},
	} {
		t.Run(c.what, func(t *testing.T) {
			n := 400_000 / c.rate
			s := parse(t, fmt.Sprintf("run %.0fs warm 10s\ntimeout 1h\nretries 0\nguard off\nendpoints one 1 %s queue 100000\narrivals %g/s\n", min(n, 3599), c.kind, c.rate))
			var sum float64
			const seeds = 3
			for seed := range uint64(seeds) {
				sum += Play(s, scenario.Draw(s, seed), Contender{Name: "random"}, seed, Options{}).Mean
			}
			if got := sum / seeds; math.Abs(got/c.want-1) > 0.03 {
				t.Errorf("mean %.2f ms; theory says %.2f ms", got*1e3, c.want*1e3)
			}
		})
	}
}

func TestSameSeedSameResult(t *testing.T) {
	s, _ := scenario.Find("sequence")
	short := *s
	short.Run = 30 * time.Second
	jobs := scenario.Draw(&short, 7)
	again := scenario.Draw(&short, 7)
	if len(jobs) != len(again) {
		t.Fatalf("%d and %d requests", len(jobs), len(again))
	}
	for i := range jobs {
		if jobs[i] != again[i] {
			t.Fatalf("request %d: %+v and %+v", i, jobs[i], again[i])
		}
	}
	for _, p := range []string{"p2c", "hot-cold", "bounded-hash"} {
		a, b := Play(&short, jobs, Contender{Name: p}, 3, Options{}), Play(&short, jobs, Contender{Name: p}, 3, Options{})
		for i := range a.Took {
			if a.Took[i] != b.Took[i] {
				t.Fatalf("%s: request %d took %g and %g", p, i, a.Took[i], b.Took[i])
			}
		}
	}
}

// TestEveryPolicyHasTheSameRequests plays the same jobs at one endpoint, where
// a policy has nothing to choose: every result must be the same to the bit.
func TestEveryPolicyHasTheSameRequests(t *testing.T) {
	s := parse(t, "run 20s warm 1s\nendpoints one 1 slots 4 service 20ms lognormal cache 40 hit 4ms miss 40ms\narrivals 100/s batches 5\nkeys 400 zipf 0.8\n")
	jobs := scenario.Draw(s, 5)
	first := Play(s, jobs, Contender{Name: "round-robin"}, 1, Options{})
	for _, p := range []string{"least-request", "p2c", "peak-ewma", "hot-cold", "bounded-hash", "maglev"} {
		got := Play(s, jobs, Contender{Name: p}, 2, Options{})
		for i := range first.Took {
			if got.Took[i] != first.Took[i] {
				t.Fatalf("%s: request %d took %g, and %g under round-robin", p, i, got.Took[i], first.Took[i])
			}
		}
	}
}

func TestNoPolicyBeatsTheFloor(t *testing.T) {
	for _, s := range scenario.Shipped() {
		short := *s
		short.Run = min(s.Run, 15*time.Second)
		short.Warm = 5 * time.Second
		jobs := scenario.Draw(&short, 1)
		least := Play(&short, jobs, Contender{Name: Floor}, 1, Options{})
		reference := Play(&short, jobs, Contender{Name: Central}, 1, Options{})
		got := Play(&short, jobs, Contender{Name: "least-request"}, 1, Options{})
		if bound := least.Loss - 1e-6; got.Loss < bound || reference.Loss < bound { // times are cut to nanoseconds
			t.Errorf("%s: the floor is %.2f ms, least-request %.2f ms, central %.2f ms", s.Name, least.Loss*1e3, got.Loss*1e3, reference.Loss*1e3)
		}
		if got.Requests != least.Requests {
			t.Errorf("%s: %d and %d requests", s.Name, got.Requests, least.Requests)
		}
	}
}

func BenchmarkPlay(b *testing.B) {
	s, _ := scenario.Find("homog")
	jobs := scenario.Draw(s, 1)
	for _, p := range []string{"round-robin", "least-request", "hot-cold", "bounded-hash"} {
		b.Run(p, func(b *testing.B) {
			for b.Loop() {
				Play(s, jobs, Contender{Name: p}, 1, Options{})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(jobs)), "ns/request")
		})
	}
}
