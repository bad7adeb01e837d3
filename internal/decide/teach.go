package decide

import (
	"poise/internal/lb"
	"poise/internal/twin"
)

// teacher clones what expected-delay knows for the endpoints of a replay.
func teacher(*View) func([]*lb.Endpoint) twin.Learner { return nil }
