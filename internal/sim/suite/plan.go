package suite

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"poise/internal/scenario"
	"poise/internal/sim"
)

// Plan is a set of runs: every scenario under every contender with every
// seed.
type Plan struct {
	Scenarios  []*scenario.Scenario
	Contenders []sim.Contender
	Seeds      []uint64
	Options    sim.Options
	Skip       func(s *scenario.Scenario, c sim.Contender) bool // what is not run; nil: everything is
	Progress   func(done, total int)                            // may be nil; called from several goroutines
	// Keep gets every result with what each request took, before that is
	// dropped. It is called from several goroutines and may be nil.
	Keep func(s *scenario.Scenario, jobs []scenario.Job, r *sim.Result)
}

// Run plays everything, as many scenarios at a time as there are cores, and
// returns the results in the order of the plan. What it returns depends on
// the plan alone. It ends early, with what is complete, when ctx does.
func (p *Plan) Run(ctx context.Context) ([]sim.Result, error) {
	type unit struct {
		scenario, seed int
		weight         float64
	}
	var units []unit
	for i, s := range p.Scenarios {
		n, _ := s.Requests()
		for k := range p.Seeds {
			units = append(units, unit{i, k, n * float64(s.Balancers+10)})
		}
	}
	slices.SortStableFunc(units, func(a, b unit) int { return cmp.Compare(b.weight, a.weight) }) // the longest first
	per := len(p.Contenders)
	results := make([]sim.Result, len(units)*per)
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(units)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(units) {
					return
				}
				u := units[i]
				s, seed := p.Scenarios[u.scenario], p.Seeds[u.seed]
				jobs := scenario.Draw(s, seed)
				for c := range p.Contenders {
					if ctx.Err() != nil {
						return
					}
					if p.Skip == nil || !p.Skip(s, p.Contenders[c]) {
						results[(u.scenario*len(p.Seeds)+u.seed)*per+c] = p.one(s, jobs, p.Contenders[c], seed)
					}
					if n := int(done.Add(1)); p.Progress != nil {
						p.Progress(n, len(results))
					}
				}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(results, func(r sim.Result) bool { return r.Scenario == "" }), ctx.Err()
}

func (p *Plan) one(s *scenario.Scenario, jobs []scenario.Job, c sim.Contender, seed uint64) sim.Result {
	r := sim.Play(s, jobs, c, seed, p.Options)
	if p.Keep != nil {
		p.Keep(s, jobs, &r)
	}
	r.Took = nil
	return r
}

// Keyless skips the hash policies where no request has a key: without one they
// choose at random, and nobody would configure them.
func Keyless(s *scenario.Scenario, c sim.Contender) bool {
	if !slices.Contains(hashing, c.Name) && !slices.Contains(hashing, c.From) {
		return false
	}
	_, keyed := s.Requests()
	return !keyed
}

var hashing = []string{"bounded-hash", "ring-hash", "maglev"}
