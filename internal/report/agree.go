package report

import (
	"fmt"
	"slices"
)

// Agree compares two benches of the same: in how many scenarios the winner
// among those that choose nothing, policies and peers, stands apart from the
// next in at least one of them, and in how many of these both have the same
// winner. Engines are left out, since they win by being the winner.
func Agree(a, b *Results) (same, apart int) {
	for i := range a.Scenarios {
		j := slices.IndexFunc(b.Scenarios, func(s Scenario) bool { return s.Name == a.Scenarios[i].Name })
		if j < 0 {
			continue
		}
		first, alone := a.Scenarios[i].plainWinner()
		second, also := b.Scenarios[j].plainWinner()
		if first == "" || second == "" || !alone && !also {
			continue
		}
		apart++
		if first == second {
			same++
		}
	}
	return same, apart
}

// Compared says of each scenario who won in each of two rounds.
func (r *Results) Compared(a, b int) (all []string) {
	one, other := r.Round(a), r.Round(b)
	for i := range r.Scenarios {
		all = append(all, fmt.Sprintf("%s: %s; %s", r.Scenarios[i].Name, one.Scenarios[i].won(), other.Scenarios[i].won()))
	}
	return all
}

func (s *Scenario) won() string {
	first, alone := s.plainWinner()
	switch {
	case first == "":
		return "no runs"
	case alone:
		return first + " stands apart"
	}
	return first + " overlaps with the next"
}

// plainWinner is the best of those that are no engine, and whether its
// interval has nothing in common with the next one's.
func (s *Scenario) plainWinner() (name string, alone bool) {
	all := slices.DeleteFunc(s.ranked(), func(r *Row) bool { return r.Kind == Judge })
	if len(all) == 0 {
		return "", false
	}
	return all[0].Subject, len(all) == 1 || all[0].Loss().Apart(all[1].Loss())
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
