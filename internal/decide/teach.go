package decide

import (
	"poise/internal/lb"
	"poise/internal/twin"
)

// teacher clones what expected-delay knows for the endpoints of a replay.
func teacher(v *View) func([]*lb.Endpoint) (twin.Learner, *lb.Affinity) {
	if v.Learner == nil {
		return nil
	}
	return func(onto []*lb.Endpoint) (twin.Learner, *lb.Affinity) {
		a := v.Affinity.Clone()
		return v.Learner.Clone(onto, a), a
	}
}
