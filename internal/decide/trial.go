package decide

import (
	"fmt"
	"time"

	"poise/internal/stats"
)

// trial is a change under way. It goes through shares: a canary of a tenth
// and of half of the requests, at which it may still be abandoned, and then a
// ramp to all of them.
type trial struct {
	Policy        string        `json:"policy"`
	From          string        `json:"from"`
	Phase         int           `json:"phase"`
	Began         stats.Instant `json:"began"`
	PhaseAt       stats.Instant `json:"phase_at"`
	Decided       stats.Instant `json:"decided"` // the decision that it belongs to
	Before        float64       `json:"before"`
	Noise         float64       `json:"noise"` // standard error of Before, relative
	Promised      float64       `json:"promised"`
	High          float64       `json:"high"`
	Why           string        `json:"why"`
	Undo          bool          `json:"undo"` // back to what ran before: no canary
	Circumstances circumstances `json:"circumstances"`
	Mean          float64       `json:"mean"` // loss before, without its tail
	// Starts are when the phases began, the present one last.
	Starts []stats.Instant `json:"starts"`
}

// shares of the phases: a canary, a ramp, and a proof: what a policy does to
// the queues shows only when nearly all requests go by it. Until the last of
// them is over it can be abandoned, and is no switch.
var shares = [...]float64{0.1, 0.5, 0.6, 0.7, 0.8, 0.9}

const (
	canaries     = 2
	proof        = len(shares) - 1
	rampSteps    = 5
	soonest      = 4 // tenths of its time after which a canary may end
	sparse       = 3 // times its time that a canary may last until it has enough requests
	outcomeAfter = 3 // evaluations after a switch at which it is judged
)

func (t *trial) share() float64 {
	if t.Phase >= len(shares) {
		return 1
	}
	return shares[t.Phase]
}

func (t *trial) begin(phase int, now stats.Instant) {
	t.Phase, t.PhaseAt = phase, now
	t.Starts = append(t.Starts, now)
}

// ramps reports whether the phase is only there to hand over without a herd.
func (t *trial) ramps() bool { return t.Undo || t.Phase >= canaries && t.Phase != proof }

// phaseOf is the phase in which something was sent, -1 for before the first.
func (t *trial) phaseOf(sent stats.Instant) int {
	for p := min(len(t.Starts), len(shares)) - 1; p >= 0; p-- {
		if sent >= t.Starts[p] {
			return p
		}
	}
	return -1
}

// watch is a switch that is looked after.
type watch struct {
	At            stats.Instant `json:"at"` // when the last of the requests was handed over
	Decided       stats.Instant `json:"decided"`
	From, To      string
	Before        float64       `json:"before"`
	Noise         float64       `json:"noise"`
	Promised      float64       `json:"promised"`
	High          float64       `json:"high"`
	Judged        bool          `json:"judged"`
	Failed        bool          `json:"failed"`         // it is to be undone as soon as that is allowed
	Undo          bool          `json:"undo"`           // it was an undo itself, which is not undone
	Measured      float64       `json:"measured"`       // loss since, once it is judged
	MeasuredNoise float64       `json:"measured_noise"` // standard error of Measured, relative
	Circumstances circumstances `json:"circumstances"`
}

// waits returns how long no switch is allowed yet.
func (j *Judge) waits() time.Duration {
	s := &j.state
	left := time.Duration(0)
	if s.Switched != 0 {
		left = j.o.Dwell - j.now.Sub(s.Switched)
	}
	return max(left, s.Pause.Sub(j.now), 0)
}

// floor is what no estimate should be below when a policy takes over.
func (j *Judge) floor() time.Duration { return j.state.Floor }

// Step supervises what is under way. It is called each second.
func (j *Judge) Step(v *View) (out Step) {
	j.look(v)
	s := &j.state
	if s.Cleared { // somebody else took the decision
		s.Cleared = false
		out.Action, out.Changed = Action{Policy: s.Policy, Share: 1, Why: "taken out of the judge's hands"}, true
		return out
	}
	switch {
	case s.Trial != nil && (s.Mode != Auto || v.Pinned):
		j.abandon(v, &out, "the mode is "+s.Mode.String(), 0)
	case s.Trial != nil:
		j.advance(v, &out)
	case s.Watch != nil:
		j.lookAfter(v, &out)
	}
	return out
}

// advance takes a trial on, or abandons it.
func (j *Judge) advance(v *View, out *Step) {
	t := j.state.Trial
	step := j.o.CanaryStep
	if t.ramps() {
		step /= rampSteps
	}
	waited := j.now.Sub(t.PhaseAt)
	over := waited >= step
	if !t.Undo {
		c := j.canary()
		over = over && (c.enough() || waited >= sparse*step)
		if why := c.fails(over); why != "" {
			j.abandon(v, out, why, j.o.Ban)
			return
		}
		over = over || !t.ramps() && waited >= step*soonest/10 && c.clear()
	}
	if !over {
		return
	}
	t.begin(t.Phase+1, j.now)
	if t.Phase == len(shares) && !t.Undo {
		j.state.Switched, j.state.Abandoned = j.now, 0
		out.Entries = append(out.Entries, j.entry(v, Switch, t.Policy, fmt.Sprintf("%s → %s: it did well on a part of the requests and has all of them now", t.From, t.Policy)))
	}
	out.Action, out.Changed = Action{Policy: t.Policy, Share: t.share(), Why: t.Why}, true
	if t.Phase >= len(shares) {
		j.takeOver(t)
	}
}

// takeOver makes the challenger the incumbent.
func (j *Judge) takeOver(t *trial) {
	s := &j.state
	s.Policy, s.Since, s.Trial, s.Beaten, s.Invalid = t.Policy, j.now, nil, 0, 0
	s.Watch = &watch{
		At: j.now, Decided: t.Decided, From: t.From, To: t.Policy, Before: t.Before, Noise: t.Noise, Promised: t.Promised,
		High: t.High, Undo: t.Undo, Circumstances: t.Circumstances,
	}
}

// abandon gives a trial up.
func (j *Judge) abandon(v *View, out *Step, why string, ban time.Duration) {
	s := &j.state
	t := s.Trial
	s.Trial, s.Beaten = nil, 0
	s.Since = j.now
	if ban > 0 {
		s.Bans[t.Policy] = j.now.Add(ban)
		s.Abandoned++
		s.Pause = j.now.Add(j.o.Dwell / 2 * time.Duration(1<<min(s.Abandoned-1, 5)))
	}
	out.Action, out.Changed = Action{Policy: s.Policy, Share: 1, Why: "canary abandoned"}, true
	out.Entries = append(out.Entries, j.entry(v, Abandon, t.Policy, fmt.Sprintf("stays with %s: %s was tried on %s of the requests for %s and is not taken: %s", s.Policy, t.Policy, Percent(t.share()), j.now.Sub(t.PhaseAt).Round(100*time.Millisecond), why)))
}

// lookAfter judges a switch once there is something to judge it by, and takes
// it back if it did harm.
func (j *Judge) lookAfter(v *View, out *Step) {
	w := j.state.Watch
	age := j.now.Sub(w.At)
	if !w.Judged {
		since := j.since(w)
		if !w.Undo && age >= j.o.Evaluate && since.n >= leastRecords/3 && since.least > 2*w.Before && since.least > 1.5*w.Promised && !j.circumstances().busier(w.Circumstances) {
			w.Failed = true
		}
		if age < time.Duration(outcomeAfter)*j.o.Evaluate && !w.Failed {
			return
		}
		j.conclude(w, since, out)
	}
	j.undo(v, out)
}

// undo takes a failed switch back as soon as that is allowed.
func (j *Judge) undo(v *View, out *Step) {
	s, w := &j.state, j.state.Watch
	if w == nil || !w.Failed || s.Mode != Auto || v.Pinned {
		return
	}
	if wait := j.o.Dwell - j.now.Sub(s.Switched); wait > 0 && !j.o.UndoImmediately {
		return
	}
	if p, known := s.Predicted[w.From]; known && !(p < s.Predicted[s.Policy]) || j.banned(w.From) {
		s.Watch = nil // it was bad, but what ran before is no better now
		return
	}
	s.Watch = nil
	s.Trial = &trial{
		Policy: w.From, From: s.Policy, Phase: 1, Began: j.now, Decided: j.now, Before: w.Measured, Noise: w.MeasuredNoise,
		Promised: w.Before, High: w.Before * 2, Undo: true, Why: "undo", Circumstances: j.circumstances(),
	}
	s.Trial.PhaseAt = j.now.Add(-j.o.CanaryStep) // half at once, the rest step by step
	s.Switched = j.now
	out.Action, out.Changed = Action{Policy: w.From, Share: s.Trial.share(), Why: "undo", Floor: j.floor()}, true
	out.Entries = append(out.Entries, j.entry(v, Undo, w.From, fmt.Sprintf("%s → %s: back, because the switch did harm; %s is not considered for %s", s.Policy, w.From, s.Policy, j.o.Ban)))
}

// entry is a decision that was not an evaluation.
func (j *Judge) entry(v *View, action, to, text string) Decision {
	return Decision{Cluster: v.Cluster, At: j.now, Policy: j.state.Policy, Action: action, To: to, Text: text}
}
