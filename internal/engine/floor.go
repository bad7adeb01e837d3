package engine

import (
	"time"

	"poise/internal/lb"
)

// floor raises the latency estimates of endpoints, so that a policy that takes
// over does not herd to those that it knows nothing of.
func (e *Engine) floor(members []*lb.Endpoint, least time.Duration) {
	now := e.options.Now()
	for _, m := range members {
		m.Live.Floor(now, least)
	}
}
