package cluster

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

// Scores returns what each policy makes of every member for a request, by
// policy and in the order of the members: lower is better, in the policy's
// own unit. Policies that compare no numbers are not in it.
func (c *Cluster) Scores(s *Snapshot, info balance.PickInfo) map[string][]float64 {
	all := map[string][]float64{}
	for policy, build := range c.options.Builders {
		picker := build(balance.Set{Members: s.Members, Eligible: s.Eligible, Cursor: &balance.Cursor{}, Affinity: c.options.Affinity}, c.options.Balance)
		scorer, ok := picker.(balance.Scorer)
		if !ok {
			continue
		}
		for _, e := range s.Members {
			all[policy] = append(all[policy], scorer.Score(info, e))
		}
	}
	return all
}

// Preview returns the current snapshot and a function that picks as its
// picker would for the next request, as often as one likes: no turn is taken
// and no attempt begins. The function is for one goroutine.
func (c *Cluster) Preview() (*Snapshot, func(balance.PickInfo) (*lb.Endpoint, error)) {
	s, at := c.Snapshot(), c.cursor.At()
	cursor := &balance.Cursor{}
	picker := c.options.Builders[s.Policy](balance.Set{Members: s.Members, Eligible: s.Eligible, Cursor: cursor, Affinity: c.options.Affinity}, c.options.Balance)
	return s, func(info balance.PickInfo) (*lb.Endpoint, error) {
		cursor.MoveTo(at)
		return picker.Pick(info)
	}
}
