package decide

import (
	"fmt"
	"math"

	"poise/internal/stats"
)

// circumstances are what a loss depends on beside the policy. A switch is not
// blamed for what came with them.
type circumstances struct {
	Rate     float64 `json:"rate"`     // requests a second
	Service  float64 `json:"service"`  // seconds, mean over the endpoints
	Failures float64 `json:"failures"` // share
	Bursty   float64 `json:"bursty"`
}

// otherRate is by how much two rates differ that are not the same, as a
// logarithm.
const otherRate = 0.2

// circumstances are those of the last evaluation, with the rate of now.
func (j *Judge) circumstances() circumstances {
	c := j.state.Last
	if rate, _ := j.state.Tally.flow(max(j.state.Tally.From, j.now.Add(-j.o.Evaluate/2)), j.now.Add(-j.o.Evaluate/10)); rate > 0 {
		c.Rate = rate
	}
	return c
}

// notice keeps what the circumstances of the window are, and how low an
// estimate may be when a policy takes over.
func (j *Judge) notice() {
	c := circumstances{Failures: j.found.measured.Failures}
	c.Rate, c.Bursty = j.state.Tally.flow(max(j.now.Add(-j.o.Evaluate), 1), j.now.Add(-j.o.Evaluate/10))
	if c.Rate == 0 {
		c.Rate, c.Bursty = j.model.Rate(), j.model.Burstiness()
	}
	known := 0.0
	for _, e := range j.model.Endpoints() {
		if e.Known { // each counts once: which of them served how many is the policy's doing
			c.Service += e.Service
			known++
		}
	}
	if known > 0 {
		c.Service /= known
	}
	j.state.Last = c
}

// differ says how now differs from c so that two losses do not compare, "" if
// it does not.
func (c circumstances) differ(now circumstances) string {
	switch {
	case apart(c.Rate, now.Rate) > otherRate:
		return fmt.Sprintf("meanwhile the rate went from %.0f to %.0f requests a second", c.Rate, now.Rate)
	case apart(c.Service, now.Service) > 0.25:
		return fmt.Sprintf("meanwhile the endpoints' time of service went from %s to %s", stats.Readable(c.Service), stats.Readable(now.Service))
	case math.Abs(c.Failures-now.Failures) > 0.01:
		return fmt.Sprintf("meanwhile the share of failures went from %s to %s", Percent(c.Failures), Percent(now.Failures))
	}
	return ""
}

// busier reports whether clearly more is asked for than then. That may do the
// harm that a switch would be blamed for; less cannot.
func (c circumstances) busier(then circumstances) bool {
	return c.Rate > then.Rate && apart(c.Rate, then.Rate) > otherRate
}

func apart(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return math.Abs(math.Log(a / b))
}
