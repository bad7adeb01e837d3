package simulated

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"poise/bench/figure"
	"poise/internal/scenario"
	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// handOver is when a policy is no longer pinned, and steady 30 s after the
// first switch that is permitted: an evaluation after the hand-over may begin
// one, and its canary takes 10 s.
const (
	evaluate = 10 * time.Second
	handOver = 10 * time.Second
	canary   = 10 * time.Second
	steady   = handOver + evaluate + canary + 30*time.Second
)

// Report is where the table of the suite is written.
const Report = "docs/evidence/sim.md"

// run is what is kept of a scenario under a contender with a seed.
type run struct {
	whole, before, after float64 // loss: whole run, until steady, from then on
	worst                []float64
	switches             []sim.Switch
	decisions            []sim.Told
}

type key struct {
	scenario, contender string
	seed                uint64
}

// book is all runs. It is filled from several goroutines.
type book struct {
	mu        sync.Mutex
	runs      map[key]*run
	scenarios []*scenario.Scenario
	seeds     []uint64
}

func (b *book) keep(s *scenario.Scenario, jobs []scenario.Job, r *sim.Result) {
	x := &run{
		whole: r.Loss, before: r.LossBetween(jobs, s.Warm, min(steady, s.Run)), after: r.LossBetween(jobs, steady, s.Run),
		switches: r.Switches, decisions: r.Decisions,
	}
	for from := s.Warm; from+window <= s.Run; from += 10 * time.Second {
		x.worst = append(x.worst, r.LossBetween(jobs, from, from+window))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[key{s.Name, r.Contender.String(), r.Seed}] = x
}

// window is how long a harm must not last.
const window = 2 * time.Minute

func (b *book) get(s *scenario.Scenario, contender string, seed uint64) *run {
	return b.runs[key{s.Name, contender, seed}]
}

// part is a share of the run.
type part func(*run) float64

func whole(r *run) float64  { return r.whole }
func before(r *run) float64 { return r.before }
func after(r *run) float64  { return r.after }

// best is the least loss of a fixed policy.
func (b *book) best(s *scenario.Scenario, seed uint64, of part) float64 {
	return b.bestAmong(policies, s, seed, of)
}

func (b *book) bestAmong(fixed []string, s *scenario.Scenario, seed uint64, of part) float64 {
	least := math.Inf(1)
	for _, p := range fixed {
		if r := b.get(s, p, seed); r != nil && of(r) > 0 {
			least = min(least, of(r))
		}
	}
	return least
}

// mean is the geometric mean over scenarios of the loss of a contender over
// that of a reference.
func mean(all []*scenario.Scenario, ratio func(*scenario.Scenario) float64) float64 {
	sum, n := 0.0, 0
	for _, s := range all {
		if v := ratio(s); v > 0 && !math.IsInf(v, 0) {
			sum += math.Log(v)
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return math.Exp(sum / float64(n))
}

// against is a contender over the best policy in hindsight.
func (b *book) against(contender string, seed uint64, of part) func(*scenario.Scenario) float64 {
	return b.againstAmong(policies, contender, seed, of)
}

func (b *book) againstAmong(fixed []string, contender string, seed uint64, of part) func(*scenario.Scenario) float64 {
	return func(s *scenario.Scenario) float64 {
		r := b.get(s, contender, seed)
		if r == nil {
			return 0
		}
		return of(r) / b.bestAmong(fixed, s, seed, of)
	}
}

func groups(all []*scenario.Scenario) (tuned, fresh []*scenario.Scenario) {
	for _, s := range all {
		if s.Group == "fresh" {
			fresh = append(fresh, s)
		} else {
			tuned = append(tuned, s)
		}
	}
	return tuned, fresh
}

// Measure plays everything. With quick there is one seed, which gives no
// verdict where six are needed.
func Measure(ctx context.Context, sheet *figure.Sheet, quick bool, progress func(string)) error {
	b := &book{runs: map[key]*run{}, scenarios: scenario.Shipped(), seeds: []uint64{1, 2, 3, 4, 5, 6}}
	if quick {
		b.seeds = b.seeds[:1]
	}
	results, plan, err := b.suite(ctx, progress)
	if err != nil {
		return err
	}
	b.first(sheet)
	b.second(sheet)
	if err := b.third(ctx, sheet, progress); err != nil {
		return err
	}
	if err := b.fourth(ctx, sheet, progress); err != nil {
		return err
	}
	return writeReport(Report, plan, results)
}

// suite plays every scenario under every policy, under adaptive, and under
// adaptive handed over from every classical policy.
func (b *book) suite(ctx context.Context, progress func(string)) ([]sim.Result, *suite.Plan, error) {
	plan := &suite.Plan{Scenarios: b.scenarios, Seeds: b.seeds, Skip: suite.Keyless, Keep: b.keep, Progress: told("suite", progress)}
	for _, p := range policies {
		plan.Contenders = append(plan.Contenders, sim.Contender{Name: known(p)})
	}
	for _, n := range []string{adaptive, sim.Rules, sim.Bandit, sim.Central, sim.Floor} {
		plan.Contenders = append(plan.Contenders, sim.Contender{Name: n})
	}
	for _, p := range classical {
		plan.Contenders = append(plan.Contenders, sim.Contender{Name: adaptive, From: p})
	}
	results, err := plan.Run(ctx)
	return results, plan, err
}

func told(what string, progress func(string)) func(done, total int) {
	return func(done, total int) { progress(fmt.Sprintf("%s: %d of %d runs", what, done, total)) }
}

func (b *book) first(sheet *figure.Sheet) {
	tuned, fresh := groups(b.scenarios)
	for i, seed := range b.seeds {
		sheet.Add("E1 whole", mean(tuned, b.against(adaptive, seed, whole)))
		sheet.Control("E1 whole", mean(tuned, b.against("round-robin", seed, whole)))
		sheet.Add("E1 whole, fresh", mean(fresh, b.against(adaptive, seed, whole)))
		sheet.Control("E1 whole, fresh", mean(fresh, b.against("round-robin", seed, whole)))
		worst, worstOf := 0.0, ""
		for _, p := range classical {
			id, from := "E1 from "+p, adaptive+":"+p
			sheet.Add(id, mean(tuned, b.against(from, seed, after)))
			sheet.Control(id, mean(tuned, b.against(p, seed, after)))
			if v := mean(fresh, b.against(from, seed, after)); v > worst {
				worst, worstOf = v, p
			}
			sheet.Sample(i, "from "+p, map[string]float64{
				"transient / best": mean(tuned, b.against(from, seed, before)), "steady / best": mean(tuned, b.against(from, seed, after)),
				"fresh transient": mean(fresh, b.against(from, seed, before)), "fresh steady": mean(fresh, b.against(from, seed, after)),
			})
		}
		sheet.Add("E1 from worst, fresh", worst)
		sheet.Control("E1 from worst, fresh", mean(fresh, b.against(worstOf, seed, after)))
	}
	for _, p := range classical {
		sheet.Versions["worst of E1 from "+p] = b.worstOf(adaptive+":"+p, after)
		sheet.Versions["E1 from "+p+", had hindsight no rings"] = b.withoutRings(tuned, adaptive+":"+p)
		sheet.Versions["E1 from "+p+", fresh, had hindsight no rings"] = b.withoutRings(fresh, adaptive+":"+p)
	}
	sheet.Versions["worst of E1 whole"] = b.worstOf(adaptive, whole)
}

// withoutRings is E1 as it were if hindsight could not choose the rings: caches
// that are warm from the start are an advantage that whoever takes over has not.
func (b *book) withoutRings(all []*scenario.Scenario, contender string) string {
	var rounds []float64
	for _, seed := range b.seeds {
		rounds = append(rounds, mean(all, b.againstAmong(noRings, contender, seed, after)))
	}
	lo, hi := figure.Interval(rounds)
	return fmt.Sprintf("%.3f (%.3f to %.3f)", figure.Median(rounds), lo, hi)
}

// worstOf names the scenarios in which a contender is furthest from the best,
// by the mean over seeds.
func (b *book) worstOf(contender string, of part) string {
	type one struct {
		name  string
		ratio float64
	}
	var all []one
	for _, s := range b.scenarios {
		sum := 0.0
		for _, seed := range b.seeds {
			sum += b.against(contender, seed, of)(s)
		}
		all = append(all, one{s.Name, sum / float64(len(b.seeds))})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].ratio > all[j].ratio })
	var names []string
	for _, o := range all[:min(4, len(all))] {
		names = append(names, fmt.Sprintf("%s %.2f", o.name, o.ratio))
	}
	return strings.Join(names, ", ")
}

// simple is expected-delay, or another contender, over the better of
// least-request and hot-cold.
func (b *book) simple(contender string, seed uint64) func(*scenario.Scenario) float64 {
	return func(s *scenario.Scenario) float64 {
		own, l, h := b.get(s, contender, seed), b.get(s, "least-request", seed), b.get(s, "hot-cold", seed)
		if own == nil || l == nil || h == nil {
			return 0
		}
		return own.whole / min(l.whole, h.whole)
	}
}

func (b *book) second(sheet *figure.Sheet) {
	tuned, fresh := groups(b.scenarios)
	for _, seed := range b.seeds {
		sheet.Add("E2", mean(tuned, b.simple(learned, seed)))
		sheet.Control("E2", mean(tuned, b.simple("p2c", seed)))
		sheet.Add("E2 fresh", mean(fresh, b.simple(learned, seed)))
		sheet.Control("E2 fresh", mean(fresh, b.simple("p2c", seed)))
	}
	var over, stays []string
	for _, s := range b.scenarios {
		var ratios []float64
		for _, seed := range b.seeds {
			ratios = append(ratios, b.simple(learned, seed)(s))
		}
		ratio := figure.Median(ratios)
		if ratio > 1.10 {
			over = append(over, fmt.Sprintf("%s %.2f", s.Name, ratio))
		}
		if ratio < 1.30 {
			continue
		}
		for _, seed := range b.seeds {
			if !leaves(b.get(s, adaptive, seed), 2*evaluate) {
				stays = append(stays, fmt.Sprintf("%s (seed %d)", s.Name, seed))
			}
		}
	}
	sheet.Add("E2 over 1.10", float64(len(over)))
	sheet.Add("E2 stays", float64(len(stays)))
	sheet.Versions["E2 over 1.10 in"] = orNone(over)
	sheet.Versions["E2 stays in"] = orNone(stays)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// leaves reports whether a change was begun by a moment.
func leaves(r *run, by time.Duration) bool {
	return slices.ContainsFunc(r.decisions, func(t sim.Told) bool { return t.At <= by+time.Second && (t.Action == "canary" || t.Switched()) })
}

func writeReport(path string, plan *suite.Plan, results []sim.Result) error {
	shown := *plan
	shown.Contenders = slices.DeleteFunc(slices.Clone(plan.Contenders), func(c sim.Contender) bool { return c.From != "" })
	return suite.Write(path, &shown, slices.DeleteFunc(results, func(r sim.Result) bool { return r.Contender.From != "" }))
}
