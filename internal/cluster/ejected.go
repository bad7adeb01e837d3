package cluster

import "poise/internal/lb"

// leaveOutEjected tells the guard who there is, and takes those out of a
// snapshot that it has ejected. Where nobody would be left, ejections are
// ignored: a request rather goes to an endpoint that failed than nowhere.
func (c *Cluster) leaveOutEjected(s *Snapshot) {
	enabled, well := inTier(c.members, s.Tier)
	c.options.Guard.Watch(enabled, well)
	out := map[*lb.Endpoint]bool{}
	for i, m := range c.members {
		state, ejected, ignored := c.options.Guard.Ejected(m.endpoint)
		if !ejected || m.operator != Enable {
			continue
		}
		if m.health == healthy {
			s.States[i] = state
		}
		s.Panic = s.Panic || ignored
		if !ignored {
			out[m.endpoint] = true
		}
	}
	if len(out) == 0 {
		return
	}
	var left []*lb.Endpoint
	for _, e := range s.Eligible {
		if !out[e] {
			left = append(left, e)
		}
	}
	if len(left) == 0 {
		return
	}
	s.Eligible = left
	for e := range out {
		delete(s.sticky, e.Hash)
	}
}

// inTier returns the endpoints of a priority that the operator left enabled,
// and for each whether it is healthy.
func inTier(members []*member, tier int) (enabled []*lb.Endpoint, well []bool) {
	for _, m := range members {
		if m.operator == Enable && m.endpoint.Priority == tier {
			enabled = append(enabled, m.endpoint)
			well = append(well, m.health == healthy)
		}
	}
	return enabled, well
}
