package guard

import (
	"fmt"
	"math"
	"slices"

	"poise/bench/figure"
)

// Figures are one for each scenario and policy. A round is by how much the
// check that was missed by most was missed, so that 1 is the bound.
func Figures() (all []figure.Figure) {
	for i := range Scenarios {
		for _, p := range Policies {
			f := figure.Figure{
				ID: Scenarios[i].ID + " " + p, What: Scenarios[i].What, Unit: "of the bound",
				AtMost: 1, Count: true, Against: Scenarios[i].Against,
			}
			if why := Scenarios[i].Alike[p]; why != "" {
				f.Against, f.What = "", f.What+" (no control: "+why+")"
			}
			all = append(all, f)
		}
	}
	return all
}

// Judge puts the cells into a sheet. Only the full size counts, and only when
// the guard was measured with all seeds and its control with one at least: one
// control that misses tells them apart, more say that it was no accident.
func (r *Runner) Judge(s *figure.Sheet) {
	for i := range Scenarios {
		for _, policy := range Policies {
			r.judge(s, &Scenarios[i], policy)
		}
	}
	s.Versions["runs at once"] = r.store.AtOnce(r.store.Keys())
	for _, k := range slices.Concat(plan(Options{Size: Full}), plan(Options{Size: Quick})) {
		if c := r.store.Of(k); c.Good() {
			s.Sample(k.Seed, fmt.Sprintf("%s %s %s %s", k.Figure, k.Policy, k.Arm, k.Size), c.Values)
		}
	}
}

func (r *Runner) judge(s *figure.Sheet, sc *Scenario, policy string) {
	id := sc.ID + " " + policy
	guarded, control := r.excesses(Full, sc, policy, Guard), r.excesses(Full, sc, policy, Control)
	for _, v := range guarded {
		s.Add(id, v)
	}
	alike := sc.Alike[policy] != ""
	if len(control) > 0 && !alike { // it must miss with every seed that there is, so the best of them counts
		s.Control(id, slices.Min(control))
		s.Against(id, fmt.Sprintf("%s, best of %d", sc.Against, len(control)))
	}
	if len(guarded) < Seeds || len(control) == 0 && !alike {
		why := fmt.Sprintf("%d of %d seeds, control %d; so far: %s", len(guarded), Seeds, len(control), score(guarded, control))
		quick := [2][]float64{r.excesses(Quick, sc, policy, Guard), r.excesses(Quick, sc, policy, Control)}
		if len(quick[0])+len(quick[1]) > 0 {
			why += "; quick: " + score(quick[0], quick[1])
		}
		if lacks := r.missing(Key{Full, sc.ID, policy, Guard, 1}); lacks != "" {
			why += "; " + lacks
		}
		s.NotRun(id, why)
	}
}

// excesses are those of the good cells of one arm.
func (r *Runner) excesses(size string, sc *Scenario, policy, arm string) (all []float64) {
	for seed := 1; seed <= Seeds; seed++ {
		if c := r.store.Of(Key{size, sc.ID, policy, arm, seed}); c.Good() {
			v := sc.Excess(arm, c.Values)
			if math.IsNaN(v) {
				v = mostExcess
			}
			all = append(all, v)
		}
	}
	return all
}

// score says how many of the guarded runs met the figure and how many controls
// missed it, as they should.
func score(guarded, control []float64) string {
	met, missed := 0, 0
	for _, v := range guarded {
		if v <= 1 {
			met++
		}
	}
	for _, v := range control {
		if v > 1 {
			missed++
		}
	}
	return fmt.Sprintf("guard met %d of %d, control missed %d of %d", met, len(guarded), missed, len(control))
}
