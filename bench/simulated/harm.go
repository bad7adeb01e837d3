package simulated

import (
	"context"
	"fmt"
	"time"

	"poise/bench/figure"
	"poise/internal/decide"
	"poise/internal/scenario"
	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// sabotaged are the scenarios in which the judge is lied to, made long enough
// that there are several windows.
var sabotaged = []string{"homog", "speed", "slots", "heavy-tail", "affinity", "roving-slow", "mixed", "ps-heavy"}

// lie praises the policy that is predicted to be the worst: half of what the
// best one promises.
func lie(all []decide.Candidate) {
	if len(all) < 2 {
		return
	}
	best, worst := 0, 1
	for i := range all {
		if all[i].Loss < all[best].Loss {
			best = i
		}
		if i > 0 && all[i].Loss > all[worst].Loss {
			worst = i
		}
	}
	all[worst].Scale(0.5 * all[best].Loss / all[worst].Loss)
}

// third measures what harm a judge can do.
func (b *book) third(ctx context.Context, sheet *figure.Sheet, progress func(string)) error {
	long := lengthen(sabotaged, 310*time.Second)
	incumbents := []string{learned, "hot-cold"}
	calm := &book{runs: map[key]*run{}}
	plan := suite.Plan{Scenarios: long, Seeds: b.seeds, Keep: calm.keep, Progress: told("without sabotage", progress)}
	for _, p := range append([]string{"round-robin"}, incumbents...) {
		plan.Contenders = append(plan.Contenders, sim.Contender{Name: p})
	}
	if _, err := plan.Run(ctx); err != nil {
		return err
	}
	lied := &book{runs: map[key]*run{}}
	plan.Keep, plan.Progress, plan.Options, plan.Contenders = lied.keep, told("sabotage", progress), sim.Options{Decide: decide.Options{Distort: lie}}, nil
	for _, p := range incumbents {
		plan.Contenders = append(plan.Contenders, sim.Contender{Name: adaptive, From: p})
	}
	if _, err := plan.Run(ctx); err != nil {
		return err
	}
	for _, seed := range b.seeds {
		worst, control, where := 0.0, 0.0, ""
		for _, s := range long {
			for _, p := range incumbents {
				own := calm.get(s, p, seed)
				if v := ratio(lied.get(s, adaptive+":"+p, seed), own); v > worst {
					worst, where = v, fmt.Sprintf("%s from %s", s.Name, p)
				}
				control = max(control, ratio(calm.get(s, "round-robin", seed), own))
			}
		}
		sheet.Add("E3 sabotage", worst)
		sheet.Control("E3 sabotage", control)
		sheet.Versions[fmt.Sprintf("E3 sabotage, seed %d", seed)] = where
		b.adversarial(sheet, seed)
	}
	return nil
}

func (b *book) adversarial(sheet *figure.Sheet, seed uint64) {
	worst, control, where := 0.0, 0.0, ""
	for _, s := range b.scenarios {
		if s.Group != "adversarial" {
			continue
		}
		own := b.get(s, "hot-cold", seed)
		if v := ratio(b.get(s, adaptive, seed), own); v > worst {
			worst, where = v, s.Name
		}
		control = max(control, ratio(b.get(s, "round-robin", seed), own))
	}
	sheet.Add("E3 adversarial", worst)
	sheet.Control("E3 adversarial", control)
	sheet.Versions[fmt.Sprintf("E3 adversarial, seed %d", seed)] = where
}

// ratio is the worst window of a over the same window of b.
func ratio(a, b *run) (worst float64) {
	for i := range a.worst {
		worst = max(worst, a.worst[i]/b.worst[i])
	}
	return worst
}

// lengthen returns scenarios that run for longer than they are written for.
func lengthen(names []string, d time.Duration) (all []*scenario.Scenario) {
	for _, n := range names {
		s, hint := scenario.Find(n)
		if s == nil {
			panic(n + ": " + hint) // a mistake in the plan
		}
		long := *s
		long.Run = d
		all = append(all, &long)
	}
	return all
}
