package retry

import (
	"time"

	"poise/internal/stats"
)

// The waits before a retry: Envoy's base and most.
const (
	backoffBase = 25 * time.Millisecond
	backoffMost = 250 * time.Millisecond
)

// Backoff returns how long to wait before a retry, 1 being the first. The
// first goes to another endpoint and need not wait; a later one waits for
// anything below a bound that doubles (full jitter), so that requests that
// failed together do not come back together.
func Backoff(retry int, dice *stats.Dice) time.Duration {
	if retry <= 1 {
		return 0
	}
	bound := min(backoffBase<<min(retry-2, 8), backoffMost)
	return time.Duration(dice.Float64() * float64(bound))
}
