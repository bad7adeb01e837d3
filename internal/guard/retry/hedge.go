package retry

import (
	"time"

	"poise/internal/stats"
)

// Hedge says when a request that has no answer yet is sent to a second
// endpoint: after a fixed time, or after a quantile of the cluster's own
// latency, so that about that share of requests is never hedged (Dean and
// Barroso, The Tail at Scale, 2013). The zero value never hedges.
type Hedge struct {
	After    time.Duration // fixed; wins over Quantile
	Quantile float64       // in (0, 1): 0.95 hedges the slowest twentieth
}

const (
	leastForHedge = 100              // answers below which a quantile is not believed
	leastHedge    = time.Millisecond // below which a hedge is sent before it can be of use
)

// Delay returns how long to wait before a hedge is sent, given the cluster's
// latencies of the last seconds, and false when there is to be none: hedging
// is off, or too little was seen.
func (h Hedge) Delay(recent *stats.Snapshot) (time.Duration, bool) {
	switch {
	case h.After > 0:
		return h.After, true
	case h.Quantile <= 0 || h.Quantile >= 1 || recent.Count() < leastForHedge:
		return 0, false
	}
	return max(recent.Quantile(h.Quantile), leastHedge), true
}
