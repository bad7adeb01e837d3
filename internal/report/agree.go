package report

import (
	"fmt"
	"slices"
)

// Agreement is what two benches of the same say alike.
type Agreement struct {
	Apart, Same int // pairs of subjects whose intervals have nothing in common in one of both; of these, with the same one ahead in both
	Known, Best int // scenarios; of these, in which whoever has the least in one has it in the other too or cannot be told from it
}

// Agree compares two benches of the same.
func Agree(a, b *Results) (sum Agreement) {
	for i := range a.Scenarios {
		j := slices.IndexFunc(b.Scenarios, func(s Scenario) bool { return s.Name == a.Scenarios[i].Name })
		if j < 0 {
			continue
		}
		one, other := &a.Scenarios[i], &b.Scenarios[j]
		v := one.pairs(other)
		sum.Apart, sum.Same = sum.Apart+v.Apart, sum.Same+v.Same
		if best, _, ok := one.Winner(); !ok || other.row(best.Subject) == nil {
			continue
		}
		sum.Known++
		if one.leads(other) && other.leads(one) {
			sum.Best++
		}
	}
	return sum
}

// pairs counts the pairs of subjects that both measured.
func (s *Scenario) pairs(other *Scenario) (v Agreement) {
	type both struct{ one, other Estimate }
	var all []both
	for _, row := range s.ranked() {
		if o := other.row(row.Subject); o != nil && o.Loss().known() {
			all = append(all, both{row.Loss(), o.Loss()})
		}
	}
	for i, a := range all {
		for _, b := range all[i+1:] {
			if !a.one.Apart(b.one) && !a.other.Apart(b.other) {
				continue
			}
			v.Apart++
			if (a.one.Value < b.one.Value) == (a.other.Value < b.other.Value) {
				v.Same++
			}
		}
	}
	return v
}

// leads reports whether the one with the least here has it in the other too, or
// cannot be told from who has.
func (s *Scenario) leads(other *Scenario) bool {
	best, _, ok := s.Winner()
	first, beside, also := other.Winner()
	if !ok || !also {
		return false
	}
	return first.Subject == best.Subject || slices.ContainsFunc(beside, func(r *Row) bool { return r.Subject == best.Subject })
}

// Compared says of each scenario what two rounds have in common.
func (r *Results) Compared(a, b int) (all []string) {
	one, other := r.Round(a), r.Round(b)
	for i := range r.Scenarios {
		s, o := &one.Scenarios[i], &other.Scenarios[i]
		first, _, ok := s.Winner()
		second, _, also := o.Winner()
		if !ok || !also {
			continue
		}
		v := s.pairs(o)
		all = append(all, fmt.Sprintf("%s: %s has the least, then %s; of %d pairs that stand apart %d have the same one ahead", s.Name, first.Subject, second.Subject, v.Apart, v.Same))
	}
	return all
}

// Round returns what one round alone shows.
func (r *Results) Round(n int) *Results {
	v := *r
	v.Scenarios = slices.Clone(r.Scenarios)
	for i := range v.Scenarios {
		s := &v.Scenarios[i]
		s.Rows = slices.Clone(s.Rows)
		for j := range s.Rows {
			s.Rows[j].Runs = slices.DeleteFunc(slices.Clone(s.Rows[j].Runs), func(run Run) bool { return run.Round != n })
		}
	}
	return &v
}
