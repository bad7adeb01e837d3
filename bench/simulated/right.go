package simulated

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/internal/decide"
	"poise/internal/scenario"
	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// fourth measures whether what should happen happens and nothing else.
func (b *book) fourth(ctx context.Context, sheet *figure.Sheet, progress func(string)) error {
	if err := b.calm(ctx, sheet, progress); err != nil {
		return err
	}
	b.named(sheet)
	b.right(sheet)
	within := 0
	for _, r := range b.runs {
		within += tooSoon(r)
	}
	sheet.Add("E4 dwell", float64(within))
	histories(ctx, sheet)
	return nil
}

// magnify doubles every gain that is predicted, as if the gates of margin,
// confidence and agreement were not there.
func magnify(all []decide.Candidate) {
	for i := range all {
		if i > 0 && all[i].Loss < all[0].Loss {
			all[i].Scale(0.4)
		}
	}
}

// calm counts the switches where there is nothing to gain.
func (b *book) calm(ctx context.Context, sheet *figure.Sheet, progress func(string)) error {
	still := lengthen([]string{"homog"}, 610*time.Second)
	for _, control := range []bool{false, true} {
		plan := suite.Plan{Scenarios: still, Contenders: []sim.Contender{{Name: adaptive}}, Seeds: []uint64{1, 2, 3}, Progress: told("ten minutes", progress)}
		if control {
			plan.Options.Decide.Distort = magnify
		}
		results, err := plan.Run(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, r := range results {
			n += len(r.Switches)
		}
		if control {
			sheet.Control("E4 steady", float64(n))
		} else {
			sheet.Add("E4 steady", float64(n))
		}
	}
	return nil
}

// named counts the conditions that a scenario promises and the journal does
// not name within one evaluation. What is true from the start is known once
// the warm-up is over.
func (b *book) named(sheet *figure.Sheet) {
	var missing []string
	for _, s := range b.scenarios {
		for _, e := range s.Expect {
			for _, seed := range b.seeds {
				if !names(b.get(s, adaptive, seed), e) {
					missing = append(missing, fmt.Sprintf("%s in %s (seed %d)", e.Condition, s.Name, seed))
				}
			}
		}
	}
	sheet.Add("E4 named", float64(len(missing)))
	sheet.Versions["E4 not named"] = orNone(missing)
}

func names(r *run, e scenario.Expect) bool {
	return slices.ContainsFunc(r.decisions, func(t sim.Told) bool {
		return t.At > e.At && t.At <= e.At+evaluate+time.Second && slices.Contains(t.Conditions, e.Condition)
	})
}

// worth is the gain for which a switch is owed.
const worth = 1.08

// right counts the incumbents that another policy beats by 8 % or more, in a
// scenario that stays as it is, and that the engine does not begin to leave
// within two evaluations after the hand-over, or leaves for one that is as
// much worse than the best.
func (b *book) right(sheet *figure.Sheet) {
	var missed []string
	owed := 0
	for _, s := range b.scenarios {
		if len(s.Expect) == 0 || s.Expect[0].At > s.Warm || len(s.Events) > 0 {
			continue
		}
		for _, p := range classical {
			for _, seed := range b.seeds {
				own, r := b.get(s, p, seed), b.get(s, adaptive+":"+p, seed)
				if own == nil || own.after < worth*b.best(s, seed, after) {
					continue
				}
				owed++
				if why := b.wrong(s, r, seed); why != "" {
					missed = append(missed, fmt.Sprintf("%s from %s (seed %d): %s", s.Name, p, seed, why))
				}
			}
		}
	}
	sheet.Add("E4 right", float64(len(missed)))
	sheet.Versions["E4 right"] = fmt.Sprintf("%d of %d owed switches were right", owed-len(missed), owed)
	sheet.Versions["E4 not right"] = orNone(missed)
}

func (b *book) wrong(s *scenario.Scenario, r *run, seed uint64) string {
	if !leaves(r, handOver+2*evaluate) {
		return "too late"
	}
	if len(r.switches) == 0 {
		return "abandoned"
	}
	last := r.switches[len(r.switches)-1].To
	if then := b.get(s, last, seed); then.after > worth*b.best(s, seed, after) {
		return "to " + last
	}
	return ""
}

// tooSoon counts the switches that follow another within the dwell.
func tooSoon(r *run) (n int) {
	last := time.Duration(-1)
	for _, t := range r.decisions {
		if !t.Switched() {
			continue
		}
		if last >= 0 && t.At-last < time.Minute {
			n++
		}
		last = t.At
	}
	return n
}

// property is the test that makes ten thousand histories.
const property = "TestNeverTwoSwitchesWithinTheDwell"

func histories(ctx context.Context, sheet *figure.Sheet) {
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^"+property+"$", "./internal/decide").CombinedOutput()
	switch {
	case !slices.Contains(fields(out), property):
		sheet.NotRun("E4 histories", "internal/decide has no "+property)
	case err != nil:
		sheet.Add("E4 histories", 1)
	default:
		sheet.Add("E4 histories", 0)
	}
}

func fields(out []byte) []string { return strings.Fields(string(out)) }
