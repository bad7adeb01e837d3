package cluster

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

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
