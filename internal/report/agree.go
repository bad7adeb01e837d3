package report

import "slices"

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

// plainWinner is the best of those that are no engine, and whether its
// interval has nothing in common with the next one's.
func (s *Scenario) plainWinner() (name string, alone bool) {
	all := slices.DeleteFunc(s.ranked(), func(r *Row) bool { return r.Kind == Judge })
	if len(all) == 0 {
		return "", false
	}
	return all[0].Subject, len(all) == 1 || all[0].Loss().Apart(all[1].Loss())
}
