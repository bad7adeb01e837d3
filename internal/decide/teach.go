package decide

import (
	"poise/internal/lb"
	"poise/internal/twin"
)

// teacher clones what expected-delay knows for the endpoints of a replay.
func teacher(v *View) func([]*lb.Endpoint, []twin.Alike) (twin.Learner, *lb.Affinity) {
	if v.Learner == nil {
		return nil
	}
	return func(onto []*lb.Endpoint, added []twin.Alike) (twin.Learner, *lb.Affinity) {
		a := v.Affinity.Clone()
		l := v.Learner.Clone(onto, a)
		for _, e := range added {
			l.Alike(e.ID, e.Like)
		}
		return l, a
	}
}
