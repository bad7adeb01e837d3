package guard

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

// RetryAfter reads the value of a Retry-After field in its form of seconds
// (RFC 9110 section 10.2.3). A date, which a clock would be needed for, is
// reported as absent. The endpoint that sent it gets no retry of the request
// before that time; another endpoint may.
func RetryAfter(value []byte) (time.Duration, bool) {
	if len(value) == 0 || len(value) > 6 {
		return 0, false
	}
	seconds := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = 10*seconds + int(c-'0')
	}
	return time.Duration(seconds) * time.Second, true
}
