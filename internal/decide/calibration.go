package decide

import (
	"math"

	"poise/internal/stats"
)

// calibration adapts the width of the intervals to how often they held: after
// a miss they widen, after a hit they narrow by a ninth of that, so that in
// the long run one in ten is missed whatever the errors are like (Gibbs and
// Candès, Adaptive Conformal Inference, 2021).
type calibration struct {
	LogWidth float64       `json:"log_width"`
	Hits     int           `json:"hits"`
	Misses   int           `json:"misses"`
	Expected *expectation  `json:"expected"`
	At       stats.Instant `json:"at"`
}

// expectation is what was said of the requests that came next.
type expectation struct {
	Policy          string `json:"policy"`
	Loss, Low, High float64
}

const (
	widthGain    = 0.08
	ownError     = 0.04 // of the model for the policy that runs, as a logarithm
	othersError  = 0.10 // and for one that does not
	ninetyPct    = 1.645
	mostRelative = 2.0
)

// half is half the interval, as a logarithm: the window's own noise, that of
// the window to come, and the error of the model.
func (c *calibration) half(relative float64, own bool) float64 {
	model := othersError
	if own {
		model = ownError
	}
	return min(math.Exp(c.LogWidth)*ninetyPct*math.Sqrt(2*relative*relative+model*model), mostRelative)
}

// calibrate compares what was said with what came.
func (j *Judge) calibrate() {
	c := &j.state.Width
	e := c.Expected
	c.Expected = nil
	if e == nil || e.Policy != j.state.Policy || j.now.Sub(c.At) > 2*j.o.Evaluate || j.state.Since > c.At {
		return
	}
	m := j.found.measured.Loss
	held := m >= e.Low && m <= e.High
	if held {
		c.Hits++
		c.LogWidth = max(c.LogWidth-widthGain/9, -1.5)
	} else {
		c.Misses++
		c.LogWidth = min(c.LogWidth+widthGain, 1.5)
	}
	j.score(held)
}

// expect notes what is expected until the next evaluation.
func (j *Judge) expect(d *Decision) {
	c := &j.state.Width
	c.Expected = nil
	if d.Changed || j.state.Trial != nil || len(j.found.candidates) == 0 {
		return
	}
	own := &j.found.candidates[0]
	c.Expected, c.At = &expectation{own.Policy, own.Loss, own.Low, own.High}, j.now
}

// Calibration returns how many of the 90 % intervals held so far and how many
// did not.
func (j *Judge) Calibration() (held, missed int) { return j.state.Width.Hits, j.state.Width.Misses }
