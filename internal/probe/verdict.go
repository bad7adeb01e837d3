package probe

// Thresholds say how many checks make a verdict. Each is at least 1.
type Thresholds struct {
	Rise    int // successes in a row that make a sick endpoint well
	Fall    int // failures in a row that make a well one sick
	Initial int // checks of the same result that decide about a new one
}

// Verdict is what the checks of one endpoint amount to. It is a plain value:
// no clock, no goroutine.
type Verdict struct {
	thresholds Thresholds
	known      bool
	healthy    bool
	run        int // results in a row that speak against the verdict, or for a first one
	last       bool
	verdicts   int
}

// NewVerdict returns a verdict that is not known yet.
func NewVerdict(t Thresholds) *Verdict { return &Verdict{thresholds: t} }

// Take takes in a result and reports whether the verdict is new.
func (v *Verdict) Take(passed bool) bool {
	if passed != v.last || v.run == 0 {
		v.last, v.run = passed, 0
	}
	v.run++
	switch {
	case !v.known:
		if v.run < v.thresholds.Initial {
			return false
		}
	case passed == v.healthy:
		return false
	case passed && v.run < v.thresholds.Rise, !passed && v.run < v.thresholds.Fall:
		return false
	}
	v.known, v.healthy = true, passed
	v.verdicts++
	return true
}

// Healthy returns the verdict; false before there is one.
func (v *Verdict) Healthy() bool { return v.healthy }

// First reports whether the verdict is still the first one.
func (v *Verdict) First() bool { return v.verdicts == 1 }
